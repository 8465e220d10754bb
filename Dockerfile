# Belay alone: one program, its libraries, and an account without rights. The configuration is not
# in the image; see docs/deploy.md.
FROM debian:bookworm-slim AS build
WORKDIR /src
COPY scripts/install-packages.sh scripts/
RUN scripts/install-packages.sh
COPY . .
RUN cmake --preset release -DBELAY_TESTS=OFF -DBELAY_BENCH=OFF \
 && cmake --build --preset release --target belay \
 && strip build/release/belay \
 && scripts/runtime-packages.sh build/release/belay > /runtime-packages

FROM debian:bookworm-slim
COPY --from=build /runtime-packages /usr/local/share/belay/runtime-packages
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates tini $(cat /usr/local/share/belay/runtime-packages) \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/release/belay /usr/local/bin/belay
COPY --chmod=755 deploy/container-entrypoint.sh /usr/local/bin/container-entrypoint
# As the account it will run under: fails the build if a library is missing.
RUN setpriv --reuid=65532 --regid=65532 --clear-groups belay --version
RUN install -d -o 65532 -g 65532 -m 0700 /data
VOLUME /data
WORKDIR /data
EXPOSE 8081 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["container-entrypoint"]
CMD ["run", "--config", "/etc/belay/belay.yaml"]
