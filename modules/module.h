/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that a module needs of weir.  How to write one:
 * modules/README.md.
 */
#pragma once

#include "core/base/date.h"
#include "core/base/escape.h"
#include "core/base/number.h"
#include "core/conf/types.h"
#include "core/event/task.h"
#include "core/expr/expr.h"
#include "core/expr/regex.h"
#include "core/log/log.h"
#include "core/os/clock.h"
#include "core/os/random.h"
#include "http/body.h"
#include "http/filter.h"
#include "http/request.h"
#include "http/response.h"
#include "http/server.h"
