/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A generation as an image.  A worker that lives on over a reload neither reads
 * the configuration again nor copies it: the master builds the generation in a
 * file in memory, mapped at an address that was reserved before the first fork
 * and is therefore free in every process, and workers map that file there.
 * Pointers into the image hold in all of them, and so do pointers to code and
 * constants, since all are forks of one process.
 *
 *     master   image_new > generation_read > image_seal > image_put
 *     worker                                 image_map  > image_put
 *
 * Once it is sealed, each process has a copy of its own of what it writes to.
 * An address is used again when nobody maps the image any more, for which each
 * process has a row in shared memory, its holder, that outlives it.
 */
#pragma once

#include "core/base/arena.h"

struct image;

/* In the master, before the first fork.  False: there will be no images, since
 * the system does not allow it, or because this build has no use for them
 * (WEIR_EMULATE_ARENA). */
bool images_reserve(void);

/* A new one, empty and shared; NULL: there is none to be had, errno says why. */
struct image *image_new(void);
/* Where the arena of the generation takes its memory. */
struct region *image_room(struct image *i);
/* It is complete: what this process writes from now on, nobody else sees.
 * False: it was too large, or the system refused; it serves this process
 * only. */
bool image_seal(struct image *i);

/* What another process needs for image_map. */
int      image_fd(const struct image *i);
size_t   image_size(const struct image *i);
unsigned image_slot(const struct image *i);

/* In a worker: what the master has sealed, in the slot of that number; fd stays
 * the caller's.  NULL with errno. */
struct image *image_map(unsigned slot, size_t size, int fd);

/* Unmaps it in this process: nothing in it is used any more. */
void image_put(struct image *i);

/* In the master, before a fork: a row for the child, which will hold what this
 * process holds; -1: there is none, and the child must end before an image that
 * it has is put.  It becomes free by images_holder_free, when the process has
 * ended. */
int  images_holder_new(void);
void images_holder_free(int holder);
/* In the child. */
void images_become(int holder);
