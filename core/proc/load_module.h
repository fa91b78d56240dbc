/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load_module: weir loads nothing, but configurations name the files of
 * modules that it has built in.
 */
#pragma once

#include "core/conf/conf.h"

extern const struct conf_type load_module_type;
