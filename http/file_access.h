/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "user:rw group:r all:r": who may read and write files that are made
 * (proxy_store_access, dav_access), a directive type.
 */
#pragma once

#include "core/conf/types.h"

/* unsigned: the mode of files. */
extern const struct conf_type conf_file_access;

/* The mode of folders around them: who may read may enter, too. */
static inline unsigned
folder_access(unsigned access)
{
    return access | (access & 0444) >> 2;
}
