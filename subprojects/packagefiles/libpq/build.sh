#!/bin/sh
# build.sh CONFIGURE OUTPUT [HOST]: builds libpq.a, and copies it and what goes with it into OUTPUT.
# With HOST, such as aarch64-linux-gnu, $CC makes it for another machine.
set -eu

source=$(dirname "$1") output=$(cd "$2" && pwd) host=${3-}
work=$(mktemp -d /tmp/libpq-XXXXXX)
exec 3>&2 >"$work/log" 2>&1

clean_up() { # STATUS
    [ "$1" = 0 ] || tail -n 40 "$work/log" >&3
    rm -rf "$work"
}
trap 'clean_up $?' EXIT

# A copy, because PostgreSQL's makefiles do not bear a space in a path.
cp -Rp "$source/configure" "$source/config" "$source/GNUmakefile.in" "$source/src" "$work"
cd "$work"

# They make the generated headers only where no other make has called them.
unset MAKEFLAGS MAKELEVEL
# On Debian with its own flags and their hardening.
if command -v dpkg-buildflags; then
    flags() { dpkg-architecture ${host:+--host-type "$host"} --command "dpkg-buildflags --get $1"; }
    CFLAGS=$(flags CFLAGS) CPPFLAGS=$(flags CPPFLAGS)
    export CFLAGS CPPFLAGS
fi
./configure ${host:+--host="$host"} --with-ssl=openssl --without-readline --without-zlib --without-icu
make -j "$(getconf _NPROCESSORS_ONLN)" -C src/interfaces/libpq libpq.a

# Of the two that libpq.a calls, those that a shared library may contain as well.
cp src/interfaces/libpq/libpq.a src/common/libpgcommon_shlib.a src/port/libpgport_shlib.a \
    src/interfaces/libpq/libpq-fe.h src/interfaces/libpq/libpq-events.h \
    src/include/postgres_ext.h src/include/pg_config_ext.h "$output"
