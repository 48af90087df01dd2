import { extendZodWithOpenApi } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';

// Must run before any schema is made: every schema of the API takes its `z` from here.
extendZodWithOpenApi(z);

export { z };
