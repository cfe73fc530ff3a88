# A bare Debian in a folder: made once by debootstrap, entered with chroot. For scripts to source; needs root.
#
#   in_a_mount_namespace "$0" "$@"             first of all
#   make_debian_root FOLDER SUITE PACKAGES     unless it is there; the packages are separated by commas
#   mount_debian_root FOLDER
#   in_debian_root FOLDER COMMAND...
#
# Rule: nothing outside of the folder is changed, and what is mounted in it nobody else sees.

[[ $(id -u) == 0 ]] || {
    echo "${0##*/}: needs root: it makes a root folder and enters it" >&2
    exit 1
}
command -v debootstrap >/dev/null || {
    echo "${0##*/}: needs debootstrap: apt-get install debootstrap" >&2
    exit 1
}

# Mounts end with a mount namespace of their own, however the script ends: a /dev that stayed mounted below
# build/ would go with the next `rm -rf build`.
in_a_mount_namespace() {
    [[ ${PGMOAT_IN_NAMESPACE:-} != $$ ]] || return 0
    local script
    script=$(realpath -- "$1")
    shift
    exec unshare --mount --propagation private \
        bash -c 'PGMOAT_IN_NAMESPACE=$$ exec "$@"' bash "$script" "$@"
}

make_debian_root() {
    local root=$1 suite=$2 packages=$3 fresh=$1.new
    [[ ! -e $root/etc/debian_version ]] || return 0
    rm -rf "$fresh"
    mkdir -p "${root%/*}"
    # Debian 12's debootstrap may not know a later name; all releases are made by the same script.
    debootstrap --variant=minbase --include="$packages" "$suite" "$fresh" \
        "${PGMOAT_DEBIAN_MIRROR:-http://deb.debian.org/debian}" /usr/share/debootstrap/scripts/sid
    mv "$fresh" "$root" # whole or not at all
}

mount_debian_root() {
    # A sandbox may refuse a new /proc; the one that is there serves as well.
    mount -t proc proc "$1/proc" || mount --rbind /proc "$1/proc"
    mount --rbind /dev "$1/dev"
    cp /etc/resolv.conf "$1/etc/resolv.conf"
}

in_debian_root() {
    chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "${@:2}"
}
