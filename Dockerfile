# One image for the API, the workers and the one-shot commands; docker-compose.yml says which runs.
FROM node:24.21.0-bookworm-slim

WORKDIR /srv/orrery
ENV NODE_ENV=production

COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force

COPY . .
RUN mkdir -p /var/lib/orrery/raw /var/lib/orrery/spool && chown -R node:node /var/lib/orrery

USER node
EXPOSE 8080
CMD ["node", "api/main.ts"]
