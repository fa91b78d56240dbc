/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What compression_dictionary names: a file, or the files of a folder.  Their
 * bytes belong to the generation, which all workers share.
 */
#pragma once

#include "core/base/vec.h"
#include "core/conf/conf.h"
#include "modules/filter/dictionary_field.h"

struct dictionary_file {
    unsigned char hash[DICTIONARY_HASH];
    str_t         data;
};

struct dictionary_source {
    str_t path; /* without the slash at the end of a folder's                */
    bool  is_folder;
    str_t offer; /* Use-As-Dictionary of responses with them; or empty       */
    VEC(struct dictionary_file) files;
};

/* Reads what stands at s->path.  NULL or a message. */
const char *dictionary_source_read(struct conf *cf,
                                   struct dictionary_source *s);
/* Whether that path is one of it. */
bool dictionary_source_has(const struct dictionary_source *s, str_t path);
