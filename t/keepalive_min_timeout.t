# SPDX-License-Identifier: BSD-2-Clause
#
# keepalive_min_timeout: how long a kept connection is not closed for the sake
# of others, or of a worker that ends.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time sleep);
use Weir::Test;

need_version('1.27.4');

my $t = Weir::Test->new;
$t->run(<<'EOC');
%%HTTP%%
    server { listen 127.0.0.1:%%PORT%%; return 200 plain; }
    server { listen 127.0.0.1:%%PORT_min%%; keepalive_min_timeout 1200ms;
             return 200 min; }
    server { listen 127.0.0.1:%%PORT_both%%; keepalive_timeout 900ms;
             keepalive_min_timeout 300ms; return 200 both; }
}
EOC

my $start = time;
my $both = $t->connect(port => 'both');
$both->get('/');
ok $both->closed, 'both times pass';
cmp_ok time - $start, '>=', 0.8, 'the whole of keepalive_timeout';

my %c = (plain => $t->connect);
$c{$_} = $t->connect(port => 'min') for qw(min asked);
$c{$_}->get('/') for qw(plain min asked);

$start = time;
$t->signal('QUIT');
ok $c{plain}->closed, 'a worker that ends closes an idle connection';
cmp_ok time - $start, '<', 1, 'at once';
my $r = $c{asked}->get('/');
is $r->body, 'min', 'it still answers within keepalive_min_timeout';
is $r->header('Connection'), 'close', 'for the last time';
ok $c{min}->closed, 'and closes behind it';
cmp_ok time - $start, '>=', 0.9, 'not before';
is $t->wait_exit(5), 0, 'then it ends';

done_testing;
