/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reserved range is divided into slots of one size, each for an image.  A
 * slot begins with the struct region from which the generation's arena takes
 * its memory, so that it is in the image, too.
 */
#include "core/conf/image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/os/range.h"

enum { SLOTS = 512, HOLDERS = 1025, SEALS = F_SEAL_GROW | F_SEAL_WRITE };

#define SLOT_MOST ((size_t) 1 << 30)
#define SLOT_LEAST ((size_t) 1 << 24)

struct image {
    int    fd;   /* in the master until it is put; else -1                   */
    size_t size; /* 0: nothing is mapped here                                */
};

/* Row 0 is the master's. */
struct holder {
    bool is_taken;
    bool has[SLOTS];
};

static struct image   images[SLOTS];
static char          *base; /* NULL: not reserved                            */
static size_t         slot_size;
static struct holder *holders; /* shared                                     */
static struct holder *own;


bool
images_reserve(void)
{
    size_t size = SLOT_MOST * SLOTS;
    void  *rows;

#ifdef WEIR_EMULATE_ARENA
    return false;
#endif
    rows = mmap(NULL, sizeof(struct holder) * HOLDERS, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (rows == MAP_FAILED)
        return false;
    base = range_reserve(&size, SLOT_LEAST * SLOTS);
    if (base == NULL) {
        munmap(rows, sizeof(struct holder) * HOLDERS);
        return false;
    }
    holders = rows;
    own = &holders[0];
    own->is_taken = true;
    slot_size = size / SLOTS;
    for (unsigned i = 0; i < SLOTS; i++)
        images[i].fd = -1;
    return true;
}


static char *
address_of(const struct image *i)
{
    return base + (size_t) (i - images) * slot_size;
}


static bool
is_held(unsigned slot)
{
    for (unsigned i = 0; i < HOLDERS; i++)
        if (holders[i].is_taken
            && __atomic_load_n(&holders[i].has[slot], __ATOMIC_ACQUIRE))
            return true;
    return false;
}


static struct image *
find_free(void)
{
    for (unsigned i = 0; base != NULL && i < SLOTS; i++)
        if (!is_held(i))
            return &images[i];
    errno = ENOSPC;
    return NULL;
}


static void
hold(const struct image *i, bool is_held)
{
    __atomic_store_n(&own->has[i - images], is_held, __ATOMIC_RELEASE);
}


static struct image *
map(struct image *i, size_t size, int fd, int how)
{
    if (!range_map(address_of(i), size, fd, how))
        return NULL;
    region_renewed(address_of(i), size);
    i->size = size;
    hold(i, true);
    return i;
}


struct image *
image_new(void)
{
    struct image  *i = find_free();
    struct region *r;
    int            fd;

    if (i == NULL)
        return NULL;
    fd = range_file("configuration", slot_size);
    if (fd == -1)
        return NULL;
    if (map(i, slot_size, fd, MAP_SHARED) == NULL) {
        int error = errno;

        close(fd);
        errno = error;
        return NULL;
    }
    i->fd = fd;
    r = image_room(i);
    r->start = address_of(i);
    r->at = r->start + sizeof(*r);
    r->end = r->start + slot_size;
    return i;
}


struct region *
image_room(struct image *i)
{
    return (struct region *) (void *) address_of(i);
}


static size_t
whole_pages(size_t n)
{
    size_t page = (size_t) sysconf(_SC_PAGESIZE);

    return (n + page - 1) / page * page;
}


/* A shared mapping forbids the seal, and what was written through it stays
 * visible in the private one. */
bool
image_seal(struct image *i)
{
    struct region *r = image_room(i);
    size_t         size = whole_pages((size_t) (r->at - r->start));
    bool           is_whole = !r->is_short;

    r->end = r->at;
    if (!range_unmap(address_of(i) + size, slot_size - size)
        || ftruncate(i->fd, (off_t) size) == -1)
        is_whole = false;
    i->size = size;
    if (!range_map(address_of(i), size, i->fd, MAP_PRIVATE))
        return false;
    return is_whole && fcntl(i->fd, F_ADD_SEALS, SEALS) == 0;
}


int
image_fd(const struct image *i)
{
    return i->fd;
}


size_t
image_size(const struct image *i)
{
    return i->size;
}


unsigned
image_slot(const struct image *i)
{
    return (unsigned) (i - images);
}


struct image *
image_map(unsigned slot, size_t size, int fd)
{
    if (base == NULL || slot >= SLOTS || size > slot_size
        || images[slot].size != 0) {
        errno = EINVAL;
        return NULL;
    }
    return map(&images[slot], size, fd, MAP_PRIVATE);
}


void
image_put(struct image *i)
{
    if (i->fd != -1)
        close(i->fd);
    i->fd = -1;
    CHECK(range_unmap(address_of(i), i->size));
    i->size = 0;
    hold(i, false);
}


int
images_holder_new(void)
{
    for (int n = 1; base != NULL && n < HOLDERS; n++) {
        if (holders[n].is_taken)
            continue;
        holders[n] = *own;
        return n;
    }
    return -1;
}


void
images_holder_free(int holder)
{
    if (holder > 0)
        holders[holder] = (struct holder){ .is_taken = false };
}


void
images_become(int holder)
{
    static struct holder nobody;

    own = holder > 0 ? &holders[holder] : &nobody;
    for (unsigned i = 0; i < SLOTS; i++) {
        if (images[i].fd != -1)
            close(images[i].fd);
        images[i].fd = -1;
    }
}
