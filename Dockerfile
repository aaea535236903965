# The course in a container, for x86_64 and aarch64:
#   docker build -t gluon-cnn . && docker run --rm -p 127.0.0.1:8888:8888 gluon-cnn
FROM debian:trixie-slim

# The libraries that mxnet's wheel needs; on aarch64 it asks for Arm's by name (docs/environment.md, "System packages").
# The font is for figures with Chinese words.
RUN apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates git make python3 python3-venv libgomp1 fonts-wqy-microhei \
        $(if [ "$(uname -m)" = x86_64 ]; then echo libquadmath0; else echo liblapacke libopenblas0-pthread; fi) \
    && rm -rf /var/lib/apt/lists/*
RUN if [ "$(uname -m)" = aarch64 ]; then cd /usr/lib/aarch64-linux-gnu \
        && ln -s liblapacke.so.3 libarmpl_lp64_mp.so && ln -s libm.so.6 libamath.so && ln -s libc.so.6 libastring.so; fi

RUN useradd --create-home student
USER student
WORKDIR /home/student/gluon_cnn
COPY --chown=student . .
RUN make install
EXPOSE 8888
CMD ["make", "lab", "LAB_FLAGS=--ip=0.0.0.0"]
