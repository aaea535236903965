# The course in a container, for x86_64 and aarch64:
#   docker build -t gluon-cnn . && docker run --rm -p 127.0.0.1:8888:8888 gluon-cnn
FROM debian:trixie-slim
# libquadmath0 exists, and is needed, on x86_64 alone.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git make python3 python3-venv libgomp1 \
    && if [ "$(dpkg --print-architecture)" = amd64 ]; then apt-get install -y --no-install-recommends libquadmath0; fi \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home student
USER student
WORKDIR /home/student/gluon_cnn
COPY --chown=student . .
RUN make install
EXPOSE 8888
CMD ["make", "lab", "LAB_FLAGS=--ip=0.0.0.0"]
