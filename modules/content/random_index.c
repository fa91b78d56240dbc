/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random_index: serves a random file of the folder for a URI that ends with a
 * slash.  Links to files count too; names that begin with a dot do not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "http/files.h"
#include "modules/module.h"

struct random_index_conf {
    bool random_index;
};

extern struct module random_index_module;


static bool
is_file(DIR *d, const struct dirent *e)
{
    struct stat st;

    if (e->d_name[0] == '.')
        return false;
    if (e->d_type != DT_UNKNOWN && e->d_type != DT_LNK)
        return e->d_type == DT_REG;
    return fstatat(dirfd(d), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode);
}


/* The nth file replaces the choice so far with probability 1/n, so in the end
 * all files are equally likely. */
static str_t
choose(struct arena *a, DIR *d)
{
    const struct dirent *e;
    char                 name[sizeof(e->d_name)];
    long                 n = 0;

    while ((e = readdir(d)) != NULL) {
        if (is_file(d, e) && random() % ++n == 0)
            memcpy(name, e->d_name, strlen(e->d_name) + 1);
    }
    return n ? str_copy(a, str_of(name)) : STR_NONE;
}


static enum step
serve(struct task *t)
{
    const struct random_index_conf *c = conf_of(t, &random_index_module);
    struct http_request            *r = http_of(t);
    size_t                          root_len;
    str_t                           folder, name;
    DIR                            *d;

    if (!c->random_index || !(r->method & (HTTP_GET | HTTP_HEAD | HTTP_POST))
        || !http_uri_is_folder(r))
        return STEP_NEXT;
    folder = http_map_path(r, &root_len);
    if (folder.p == NULL)
        return http_fail(r, 500);
    d = opendir(folder.p);
    if (d == NULL)
        return http_folder_fail(r, folder, errno);
    name = choose(t->arena, d);
    closedir(d);
    if (name.p == NULL)
        return STEP_NEXT;
    return http_internal_redirect(r, str_join(t->arena, r->uri, name), r->args);
}


static const struct directive directives[] = {
    FLAG("random_index", IN_LOCATION, struct random_index_conf, random_index,
         "off", "Answers requests for folders with a random file in them."),
    { .name = NULL },
};

struct module random_index_module = {
    .name = "random_index",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct random_index_conf),
    .phase = { [PHASE_CONTENT] = serve },
};
