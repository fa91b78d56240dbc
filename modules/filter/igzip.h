/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The libraries beside zlib, in builds that have them: ISA-L (WEIR_HAVE_ISAL)
 * and libdeflate (WEIR_HAVE_LIBDEFLATE).
 */
#pragma once

#include "modules/filter/coder.h"

/* Completes a plan with igzip's codec; false: not this one. */
bool igzip_plan(struct coder_plan *p);
