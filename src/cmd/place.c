#include "config.h"

#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "xatop/i18n.h"

/* FNV-1a. Nobody has a reason to forge it: whoever can write the folder can as well use it. */
static void mix(uint64_t *digest, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++)
        *digest = (*digest ^ p[i]) * UINT64_C(0x100000001b3);
}

/* The host name may be changed, and be the same on two machines; it serves where nothing better is. */
static void mix_machine(uint64_t *digest)
{
    char name[256] = "";
    ssize_t n = 0;
    int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, name, sizeof name - 1);
        close(fd);
    }
    if (n <= 0 && gethostname(name, sizeof name - 1) == 0)
        n = (ssize_t)strlen(name);
    mix(digest, name, n > 0 ? (size_t)n : 0);
}

/* The file system's own identity, where it has one: device numbers of btrfs, overlays and volume managers are given out anew
 * at every mount. */
static void mix_file_system(uint64_t *digest, const char *path, uint32_t major, uint32_t minor)
{
    struct statfs fs;
    static const __typeof__(fs.f_fsid) none;
    if (statfs(path, &fs) == 0 && memcmp(&fs.f_fsid, &none, sizeof none) != 0) {
        mix(digest, &fs.f_fsid, sizeof fs.f_fsid);
    } else {
        mix(digest, &major, sizeof major);
        mix(digest, &minor, sizeof minor);
    }
}

enum status place_of(const char *path, uint64_t *out, struct err *err)
{
    struct statx st;
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &st) != 0)
        return err_set(err, STATUS_STATE, _("%s: cannot be read: %s"), path, strerror(errno));
    mix_machine(&digest);
    mix_file_system(&digest, path, st.stx_dev_major, st.stx_dev_minor);
    mix(&digest, &st.stx_ino, sizeof st.stx_ino);
    if (st.stx_mask & STATX_BTIME) { /* an inode number is used again after a removal */
        mix(&digest, &st.stx_btime.tv_sec, sizeof st.stx_btime.tv_sec);
        mix(&digest, &st.stx_btime.tv_nsec, sizeof st.stx_btime.tv_nsec);
    }
    *out = digest ? digest : 1;
    return STATUS_OK;
}
