# Tidemark as an image: a process of any user id, on a root file system that may be read-only.
#
#   docker build --tag tidemark .
#   docker run --rm --volume "$PWD/job:/var/lib/tidemark" tidemark run /var/lib/tidemark/job.yaml
#
# It has no JindoSDK, which OSS-HDFS needs: docs/containers.md derives an image that has it.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No package's own script runs. The image's Node is the one to use, not the one that a checkout brings along.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY actors actors
COPY journal journal
COPY kernels kernels
COPY sim sim
COPY src src
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json

FROM node:24-bookworm-slim AS packages
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
WORKDIR /opt/tidemark
COPY package.json CHANGELOG.md ./
COPY bin bin
COPY schema schema
COPY --from=packages /build/node_modules node_modules
COPY --from=build /build/dist dist
# What Node compiles is kept here, and spares the next start half a second; it need not be writable.
# A new volume that is mounted there takes their owner over.
RUN install -d -m 0775 -o 10001 -g 0 /var/lib/tidemark /var/lib/lake
ENV XDG_CACHE_HOME=/tmp/.cache NODE_ENV=production
# Any user will do. This one is in no group but root's, like those that OpenShift draws.
USER 10001:0
WORKDIR /var/lib/tidemark
# HTTP: probes, metrics, status.
EXPOSE 8787
# The program itself, not npm or a shell: signals have to reach it.
ENTRYPOINT ["/opt/tidemark/bin/tidemark.js"]
CMD ["run", "/var/lib/tidemark/job.yaml"]
