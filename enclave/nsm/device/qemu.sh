#!/bin/sh
# Boots a virtual machine with a true /dev/nsm and runs enclave/nsm/test/on-device.ts in it. README.md says what it shows.
#
#   sh enclave/nsm/device/qemu.sh [FOLDER]
#
# Needs: Debian 13 on x86-64 (a container or chroot will do), root, apt with source packages, and a checkout with
# node_modules. Leaves everything in FOLDER, by default /var/tmp/nsm-qemu. ACCEL=kvm is faster where /dev/kvm is sound.
set -eu

repository=$(cd "$(dirname "$0")/../../.." && pwd)
folder=${1:-/var/tmp/nsm-qemu}
qemu=$folder/qemu/build/qemu-system-x86_64
guest=$folder/guest
mkdir -p "$folder"

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get install -y --no-install-recommends build-essential dpkg-dev meson ninja-build pkg-config python3 \
        python3-pip python3-venv python3-pycotap flex bison libcbor-dev libfdt-dev libglib2.0-dev libgnutls28-dev \
        libpixman-1-dev zlib1g-dev qemu-system-data seabios linux-image-cloud-amd64 busybox-static cpio xz-utils
}

# Debian's own qemu is built without libcbor, and so without the NSM.
build_qemu() {
    (
        cd "$folder"
        apt-get source --download-only -o APT::Sandbox::User=root qemu
        rm -rf qemu
        dpkg-source -x qemu_*.dsc qemu
        cd qemu
        printf 'CONFIG_Q35=y\nCONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_NSM=y\n' >configs/devices/x86_64-softmmu/nsm.mak
        ./configure --target-list=x86_64-softmmu --without-default-features --without-default-devices \
            --with-devices-x86_64=nsm --enable-kvm --enable-tcg --enable-fdt --enable-libcbor --enable-gnutls \
            --disable-docs --disable-install-blobs
        ninja -C build qemu-system-x86_64
    )
}

# The program and its libraries, where the program looks for them.
copy_program() {
    install -D "$1" "$guest/$2"
    ldd "$1" | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$guest/$library"; done
}

copy_application() {
    mkdir -p "$guest/app/node_modules/@k3s-daas"
    cp -r "$repository/core" "$repository/enclave" "$guest/app/"
    ln -s ../../core "$guest/app/node_modules/@k3s-daas/core"
    ln -s ../../enclave/attestation "$guest/app/node_modules/@k3s-daas/attestation"
    sed -n 's/^package \(.*\)@[^@ ]* .*/\1/p' "$repository/enclave/image/closure.txt" | while read -r package; do
        mkdir -p "$(dirname "$guest/app/node_modules/$package")"
        cp -r "$repository/node_modules/$package" "$guest/app/node_modules/$package"
    done
}

build_guest() {
    rm -rf "$guest"
    mkdir -p "$guest/bin" "$guest/dev" "$guest/proc" "$guest/sys" "$guest/tmp"
    cp /usr/bin/busybox "$guest/bin/busybox"
    xz -dc "/usr/lib/modules/$1/kernel/drivers/misc/nsm.ko.xz" >"$guest/nsm.ko"
    mkdir -p "$guest/usr/bin"
    gcc -std=c11 -O2 -static -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
        -o "$guest/usr/bin/nsm-request" "$repository/enclave/nsm/device/nsm-request.c"
    copy_program "$repository/node_modules/node/bin/node" usr/bin/node
    copy_application
    cat >"$guest/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
echo "rng_current without the driver: $(cat /sys/class/misc/hw_random/rng_current)"
insmod /nsm.ko
uname -sr
ls -l /dev/nsm
echo "rng_current with the driver: $(cat /sys/class/misc/hw_random/rng_current)"
cd /app && node enclave/nsm/test/on-device.ts
echo "exit status: $?"
poweroff -f
INIT
    chmod 755 "$guest/init"
    (cd "$guest" && find . -print0 | cpio --null --quiet --create --format=newc | gzip -1 >"$folder/initramfs")
}

run_guest() {
    "$qemu" -L /usr/share/seabios -L /usr/share/qemu -M q35 -accel "${ACCEL:-tcg}" -cpu max -m 3072 \
        -nodefaults -display none -no-reboot -serial stdio -device virtio-nsm-pci \
        -kernel "/boot/vmlinuz-$1" -initrd "$folder/initramfs" -append 'console=ttyS0 quiet panic=-1'
}

[ -x "$qemu" ] || { install_packages && build_qemu; }
version=$(find /usr/lib/modules -maxdepth 1 -name '*-cloud-amd64' | sort -V | tail -n 1)
version=${version##*/}
build_guest "$version"
run_guest "$version"
