#!/usr/bin/env bash
# Runs the model's and the engine's tests for aarch64 under emulation, so that the NEON kernel is compared with the model on an x86 machine.
# Needs an emulator, a linker and the target; on Debian and Ubuntu:
#   apt-get install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross && rustup target add aarch64-unknown-linux-gnu
# Words after the name are passed to the tests: scripts/neon.sh cpu_kernels
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
missing() { echo "neon: $1" >&2; exit 1; }
linker=$(command -v aarch64-linux-gnu-gcc) || missing "aarch64-linux-gnu-gcc is missing: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) || missing "qemu-aarch64 is missing: apt-get install qemu-user"
[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || missing "the target is missing: rustup target add $target"

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$linker
# The libraries of the cross compiler stand in for those of the other machine.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="$qemu -L /usr/aarch64-linux-gnu"
# `max` has the dot products of bytes that newer CPUs have; the kernel is also right without.
export QEMU_CPU=${QEMU_CPU:-max}

# What takes minutes natively takes an hour here: by default the kernels and their like alone.
filters=("$@")
[ "$#" -gt 0 ] || filters=(cpu_kernels order:: golden)
exec cargo test --locked --target "$target" -p moebias-engine --no-default-features --test engine -- "${filters[@]}"
