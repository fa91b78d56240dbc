# SPDX-License-Identifier: BSD-2-Clause
#
# What the build leaves to whoever gets a foot into it: nothing at a fixed
# place, no table that can be written to, no stack that can be executed, checked
# copies, and branches only to where functions begin.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my ($readelf) = grep { -x } map { "$_/readelf" } split /:/, $ENV{PATH};
plan(skip_all => 'no readelf') if !$readelf;
plan(skip_all => 'of weir only') if is_oracle();

my $binary = readlink Weir::Test::binary_path();
my $head = `$readelf -hldW $binary`;
my $text = `$readelf -nW $binary` . `$readelf --dyn-syms -W $binary`;
my $is_plain = $text !~ /__(?:asan|ubsan)_/;

like $head, qr/^\s*Type:\s*DYN/m, 'it can be loaded anywhere';
like $head, qr/^\s*GNU_RELRO/m, 'relocations can be made read-only';
like $head, qr/BIND_NOW|FLAGS_1.*NOW/, 'all of them, at the start';
like $head, qr/^\s*GNU_STACK.* RW /m, 'the stack is not executed';
like $text, qr/__stack_chk_fail/, 'the stack is guarded';
SKIP: {
    skip 'a sanitizer looks at copies', 1 if !$is_plain;
    like $text, qr/__(?:memcpy|snprintf|read|memset)_chk/, 'copies are checked';
}
SKIP: {
    skip 'not x86-64', 1 if $head !~ /X86-64/;
    like $text, qr/x86 feature: .*IBT/, 'branches are tracked';
}

done_testing;
