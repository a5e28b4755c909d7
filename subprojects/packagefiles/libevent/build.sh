#!/bin/sh
# build.sh CONFIGURE OUTPUT: builds libevent_core.a and libevent_extra.a into OUTPUT; their headers go
# into OUTPUT/include.
set -eu

source=$(dirname "$1") output=$(cd "$2" && pwd)
work=$(mktemp -d /tmp/libevent-XXXXXX)
exec 3>&2 >"$work/log" 2>&1

clean_up() { # STATUS
    [ "$1" = 0 ] || tail -n 40 "$work/log" >&3
    rm -rf "$work"
}
trap 'clean_up $?' EXIT

# A copy, because its configure refuses a path with a space.
cp -Rp "$source/." "$work/source"
cd "$work/source"

# On Debian with its own flags and their hardening.
if command -v dpkg-buildflags; then
    CFLAGS=$(dpkg-buildflags --get CFLAGS) CPPFLAGS=$(dpkg-buildflags --get CPPFLAGS)
    export CFLAGS CPPFLAGS
fi
./configure --disable-shared --with-pic --disable-openssl --disable-samples \
    --disable-libevent-regress
# Debian's patches touch what automake reads; what it would write is there.
make -j "$(getconf _NPROCESSORS_ONLN)" ACLOCAL=: AUTOMAKE=: AUTOCONF=: AUTOHEADER=: \
    libevent_core.la libevent_extra.la include/event2/event-config.h

mkdir -p "$output/include"
cp -R include/. "$output/include"
cp .libs/libevent_core.a .libs/libevent_extra.a include/event2/event-config.h "$output"
