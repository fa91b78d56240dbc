# SPDX-License-Identifier: BSD-2-Clause
#
# What "weir explain" says of the requests of real projects' configurations,
# held against what the server then does with them: t/explain/compare.py.  The
# configurations are no part of the tree: see t/corpus.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test qw(:DEFAULT binary_path top_folder);

my $corpus = $ENV{TEST_CORPUS} // top_folder() . '/../shared/corpus';

plan skip_all => 'weir only' if is_oracle();
plan skip_all => 'no corpus at hand' if !-e "$corpus/probe.py";
plan skip_all => 'no python3' if system('python3 -c 1 2>/dev/null') != 0;

# Who asks too often is refused, and who asks again may get what is stored: both
# depend on the requests before.
my @names = grep { -d "$corpus/$_" && !/limit/
                   && system('grep', '-rqE', '_cache_path', "$corpus/$_") != 0 }
    split ' ', Weir::Test::slurp("$FindBin::Bin/data/corpus.pass");
plan skip_all => 'no entries' if !@names;

# It prints TAP itself.
$| = 1;
my $code = system('python3', "$FindBin::Bin/explain/compare.py", '--corpus',
    $corpus, '--binary', binary_path(), '--least', 300, 30, '--', @names);
exit($code >> 8);
