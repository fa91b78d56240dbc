/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load_module: weir loads no files, but accepts the names of modules that are
 * built in.
 */
#pragma once

#include "core/conf/conf.h"

extern const struct conf_type load_module_type;
