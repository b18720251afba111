#include "config.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chaos.h"
#include "xatop/i18n.h"
#include "xatop/text.h"

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2,
               "what processes share must not be guarded by a lock of one of them");

static struct chaos_shared *map(int fd)
{
    void *at = mmap(NULL, sizeof(struct chaos_shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

struct chaos_shared *chaos_shared_make(int *fd, struct err *err)
{
    struct chaos_shared *shared = NULL;
    *fd = memfd_create("xatop-chaos", MFD_CLOEXEC);
    if (*fd >= 0 && ftruncate(*fd, sizeof *shared) == 0)
        shared = map(*fd);
    if (!shared) {
        err_set(err, STATUS_INTERNAL, _("no memory to share with the coordinator"));
        return NULL;
    }
    shared->magic = CHAOS_MAGIC;
    return shared;
}

struct chaos_shared *chaos_shared_open(const char *number)
{
    int64_t fd;
    struct stat st;
    if (!text_to_i64(number, 3, 1 << 20, &fd) || fstat((int)fd, &st) != 0 ||
        st.st_size != sizeof(struct chaos_shared))
        return NULL;
    struct chaos_shared *shared = map((int)fd);
    if (!shared || shared->magic != CHAOS_MAGIC)
        return NULL;
    return shared;
}
