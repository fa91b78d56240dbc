/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fastcgi_temp_path, uwsgi_temp_path, scgi_temp_path: configurations set the
 * folders of all gateways, and the master creates them at start, even for
 * gateways that are not used.
 */
#include "modules/module.h"

#include <config.h>

struct temp_paths_conf {
    struct temp_path fastcgi, uwsgi, scgi;
};

#define C struct temp_paths_conf

static const struct directive directives[] = {
    TEMP_PATH("fastcgi_temp_path", IN_WEB, C, fastcgi, WEIR_FASTCGI_TEMP_PATH,
              "The folder of fastcgi's temporary files, which is made at "
              "start; this build uses it for nothing else."),
    TEMP_PATH("uwsgi_temp_path", IN_WEB, C, uwsgi, WEIR_UWSGI_TEMP_PATH,
              "The folder of uwsgi's temporary files, which is made at "
              "start; this build uses it for nothing else."),
    TEMP_PATH("scgi_temp_path", IN_WEB, C, scgi, WEIR_SCGI_TEMP_PATH,
              "The folder of scgi's temporary files, which is made at start; "
              "this build uses it for nothing else."),
    { .name = NULL },
};

#undef C

struct module temp_paths_module = {
    .name = "temp_paths",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct temp_paths_conf),
};
