import express, { Router } from 'express';
import helmet from 'helmet';
// Not the package's own entry: that runs the whole page's program, in every process that has the API.
import getAbsoluteFSPath from 'swagger-ui-dist/absolute-path.js';
import type { OpenApiDocument } from './openapi.ts';

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Orrery API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;
const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null, tryItOutEnabled: true, displayOperationId: true });\n`;

/** The OpenAPI document at /openapi.json and readable pages at /docs, all served from here: no other host is asked. */
export function docsRouter(document: OpenApiDocument): Router {
  const router = Router();
  const text = JSON.stringify(document);
  router.get('/openapi.json', (_request, response) => void response.type('json').send(text));
  // Swagger UI sets style attributes and inlines its icons; everything else keeps the strict policy.
  const policy = helmet.contentSecurityPolicy({
    useDefaults: false,
    directives: {
      'default-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      'img-src': ["'self'", 'data:'],
      'frame-ancestors': ["'none'"],
      'object-src': ["'none'"],
      'base-uri': ["'none'"],
    },
  });
  router.use('/docs', policy);
  router.get('/docs', (_request, response) => void response.type('html').send(PAGE));
  router.get('/docs/start.js', (_request, response) => void response.type('text/javascript').send(START));
  router.use('/docs/assets', express.static(getAbsoluteFSPath(), { index: false, maxAge: '1h' }));
  return router;
}
