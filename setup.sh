#!/bin/sh
# Installs the few libraries that a window needs on Debian and Ubuntu; elsewhere says what is missing.
# Usage: ./setup.sh [--ci]        --ci adds what continuous integration needs: a display without a screen.
set -eu

# What the window and its graphics load when they start. Mesa draws where there is no GPU driver.
packages="libx11-6 libx11-xcb1 libxcb1 libxcursor1 libxi6 libxkbcommon0 libxkbcommon-x11-0 libwayland-client0 libwayland-egl1
libegl1 libgl1-mesa-dri libvulkan1 mesa-vulkan-drivers"
libraries="libX11.so.6 libX11-xcb.so.1 libxcb.so.1 libXcursor.so.1 libXi.so.6 libxkbcommon.so.0 libxkbcommon-x11.so.0
libwayland-client.so.0 libEGL.so.1 libvulkan.so.1"
[ "${1:-}" != --ci ] || packages="$packages xvfb"
# Rust links with the C compiler.
command -v cc >/dev/null 2>&1 || packages="$packages gcc libc6-dev"

say() { printf 'setup: %s\n' "$*"; }

rust() {
    wanted=1.95
    found=$(cargo --version 2>/dev/null | cut -d' ' -f2 | cut -d. -f1,2) || true
    if [ -z "$found" ]; then
        say "Rust is missing: install it from https://rustup.rs, then run this again."
        return 1
    fi
    lower=$(printf '%s\n%s\n' "$wanted" "$found" | sort -t. -k1,1n -k2,2n | head -n1)
    if [ "$lower" != "$wanted" ]; then
        say "Rust $found is too old: $wanted or newer is needed (rustup update)."
        return 1
    fi
}

on_debian() {
    missing=""
    for package in $packages; do
        status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=""
        [ "$status" = installed ] || missing="$missing $package"
    done
    if [ -z "$missing" ]; then
        say "every library is there."
        return
    fi
    say "installing:$missing"
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            say "there is no sudo; as root: apt-get install$missing"
            return 1
        fi
        as_root=sudo
    fi
    $as_root apt-get update -qq
    # shellcheck disable=SC2086 # a list of names
    $as_root env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -qq -y --no-install-recommends $missing >/dev/null
    say "done."
}

elsewhere() {
    case $(uname -s) in
    Linux) ;;
    *)
        say "nothing is needed on $(uname -s)."
        return
        ;;
    esac
    known=$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null) || known=""
    missing=""
    for library in $libraries; do
        case $known in
        *"$library"*) ;;
        *) missing="$missing $library" ;;
        esac
    done
    command -v cc >/dev/null 2>&1 || missing="$missing cc (a C compiler)"
    if [ -z "$missing" ]; then
        say "every library is there."
        return
    fi
    say "not found:$missing"
    say "install them with your package manager (X11 or Wayland, xkbcommon, EGL, Vulkan). \`moebias run\` needs none of them."
    return 1
}

if command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1; then on_debian; else elsewhere; fi
rust
