/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the files of the fastcgi module.  There are two confs, so that a
 * location with only a target and parameters costs little memory:
 * "fastcgi_pass" has what says which script runs, and "fastcgi" all that can
 * be tuned.
 */
#pragma once

#include "modules/gateway/params.h"
#include "modules/module.h"

struct fastcgi_conf {
    struct gateway_conf gateway; /* first */
    struct texts        catches; /* fastcgi_catch_stderr                     */
    bool                keeps;   /* fastcgi_keep_conn                        */
};

struct fastcgi_target {
    struct app    app; /* first */
    str_t         index;
    struct regex *split;
};

extern struct module fastcgi_module, fastcgi_pass_module;
extern const struct gateway_protocol fastcgi_protocol;
