# shellcheck shell=bash disable=SC2034,SC2154
# What ./dev needs: how to see that it is there, and the Debian package that has it.

needs_build=(
    'command cc gcc'
    'header stdio.h libc6-dev'
    'command pkg-config pkg-config'
    'command meson meson'
    'command ninja ninja-build'
    'library libpq libpq-dev'
    'library libevent_extra libevent-dev'
)
needs_demo=(
    'postgres initdb postgresql'
    'command curl curl'
)
needs_test=(
    'postgres initdb postgresql'
    'command cmake cmake'
    'command curl curl'
    'command dpkg-source dpkg-dev'
    'command g++ g++'
    'command c++ g++'
    'command git git'
    'command ip iproute2'
    'command make make'
    'command mount mount'
    'command parallel parallel'
    'command pgbouncer pgbouncer'
    'command unshare util-linux'
    'command zsh zsh'
    'library cmocka libcmocka-dev'
    'python hypothesis python3-hypothesis'
    'python pglast python3-pglast'
    'python psycopg python3-psycopg'
    'python pytest python3-pytest'
    'python yaml python3-yaml'
    'python xdist python3-pytest-xdist'
)
needs_bare=('command debootstrap debootstrap')
needs_packages=(
    'command git git'
    'package build-essential build-essential'
    'package debhelper debhelper'
    'package dh-python dh-python'
    'package python3 python3'
)
needs_compilers=(
    'command clang clang'
    'command musl-gcc musl-tools'
)
needs_valgrind=('command valgrind valgrind')
needs_fuzz=(
    'command clang clang'
    'fuzzer clang libclang-rt-dev'
)
needs_coverage=('command gcovr gcovr')
needs_artifact=(
    'postgres initdb postgresql'
    'command bison bison'
    'command dpkg-buildflags dpkg-dev'
    'command flex flex'
    'command make make'
    'command openssl openssl'
    'library libssl libssl-dev'
)
needs_arm64=(
    'command aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu'
    'command qemu-aarch64-static qemu-user-static'
    'package libc6-dev-arm64-cross libc6-dev-arm64-cross'
)
needs_bench=(
    'command alembic alembic'
    'command java default-jre-headless'
    'command npm npm'
    'command sqitch sqitch'
    'command xxd xxd'
    'command /usr/bin/time time'
    'perl DBD::Pg libdbd-pg-perl'
    'python psycopg2 python3-psycopg2'
)
needs_lint=(
    'command clang clang'
    'command clang-format clang-format'
    'command clang-tidy clang-tidy'
    'command black black'
    'command flake8 flake8'
    'python mypy python3-mypy'
    'command shellcheck shellcheck'
)

is_there() { # KIND NAME
    case $1 in
        command) command -v "$2" ;;
        fuzzer) "$2" -fsanitize=fuzzer,address "$top/tests/fuzz/empty.c" -o /dev/null ;;
        header) printf '#include <%s>\n' "$2" | cc -E - ;;
        package) [[ $(dpkg-query -W -f '${db:Status-Status}' "$2") == installed ]] ;;
        library) pkg-config --exists "$2" ;;
        perl) perl "-M$2" -e1 ;;
        python) python3 -c "import $2" ;;
        postgres) PYTHONPATH=$top/gen python3 -c "
from inlay_gen.scratch.server import find_bindir
find_bindir('${INLAY_PG_BIN-}' or None) / '$2'" ;;
    esac >/dev/null 2>&1
}

require() { # NEED ...
    local need kind name package missing=()
    for need in "$@"; do
        read -r kind name package <<<"$need"
        is_there "$kind" "$name" || missing+=("$package")
    done
    ((${#missing[@]} == 0)) || install "${missing[@]}"
}

install() { # PACKAGE ...
    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "please install (names are Debian's): $*"
        as_root=(sudo)
    fi
    command -v apt-get >/dev/null || fail "please install (names are Debian's): $*"
    say "Installing $*"
    "${as_root[@]}" apt-get -q update </dev/null
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install --yes --no-install-recommends "$@" </dev/null
}

# An older minor version, which a machine may have had before, is not what users get.
upgrade_postgres() {
    local installed
    command -v dpkg-query >/dev/null || return 0
    mapfile -t installed < <(
        dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'postgresql*' 'libpq*' |
            sed -n 's/^installed //p'
    )
    ((${#installed[@]} == 0)) || install --only-upgrade "${installed[@]}"
}
