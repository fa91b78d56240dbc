/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anonymous shared mappings, and locks in them.
 */
#include "core/shm/shared.h"

#include <errno.h>
#include <sys/mman.h>

#include "core/base/check.h"

struct mapping {
    void  *at;
    size_t n;
};


static void
unmap(void *arg)
{
    struct mapping *m = arg;

    munmap(m->at, m->n);
}


void *
shared_zalloc(struct arena *a, size_t n)
{
    struct mapping *m;
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    m = arena_make(a, struct mapping);
    m->at = p;
    m->n = n;
    arena_defer(a, unmap, m);
    return p;
}


void
shared_lock_init(struct shared_lock *l)
{
    pthread_mutexattr_t how;

    CHECK(pthread_mutexattr_init(&how) == 0);
    CHECK(pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST) == 0);
    CHECK(pthread_mutex_init(&l->mutex, &how) == 0);
    pthread_mutexattr_destroy(&how);
}


/* If the owner died, its data is used as it is. */
void
shared_lock_take(struct shared_lock *l)
{
    int error = pthread_mutex_lock(&l->mutex);

    if (error == EOWNERDEAD)
        error = pthread_mutex_consistent(&l->mutex);
    CHECK(error == 0);
}


void
shared_lock_give(struct shared_lock *l)
{
    CHECK(pthread_mutex_unlock(&l->mutex) == 0);
}
