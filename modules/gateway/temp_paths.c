/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uwsgi_temp_path: configurations set the folders of all gateways, and the
 * master creates them at start, even for gateways that are not used.
 */
#include "modules/module.h"

#include <config.h>

struct temp_paths_conf {
    struct temp_path uwsgi;
};

#define C struct temp_paths_conf

static const struct directive directives[] = {
    TEMP_PATH("uwsgi_temp_path", IN_WEB, C, uwsgi, WEIR_UWSGI_TEMP_PATH,
              "The folder for uwsgi's temporary files. It is created at "
              "start, but not used in this build."),
    { .name = NULL },
};

#undef C

struct module temp_paths_module = {
    .name = "temp_paths",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct temp_paths_conf),
};
