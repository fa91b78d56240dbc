# SPDX-License-Identifier: BSD-2-Clause
#
# aio threads: files read by a pool of threads, byte for byte.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('threads');

my $t = Weir::Test->new;
my $big = join '', map { pack 'N', $_ * 40503 } 1 .. 250_000;
$t->write('html/big', $big);
$t->write('html/small', 'small');
$t->write('html/empty', '');
$t->run(<<'EOC');
thread_pool mine threads=2 max_queue=100;
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        aio threads;
        location /copy/ { alias %%TESTDIR%%/html/; sendfile off; }
        location /send/ { alias %%TESTDIR%%/html/; sendfile on; }
        location /pool/ { alias %%TESTDIR%%/html/; aio threads=mine; }
        location /direct/ { alias %%TESTDIR%%/html/; directio 4k;
                            output_buffers 2 128k; }
        location /var/ { alias %%TESTDIR%%/html/; aio threads=$arg_pool; }
        location /off/ { alias %%TESTDIR%%/html/; aio off; }
    }
}
EOC

# Some file systems take no O_DIRECT.
$t->expect_log(qr/fcntl\(O_DIRECT\)/);
for my $place (qw(copy send pool direct off)) {
    is $t->get("/$place/small")->body, 'small', "$place: a small file";
    is $t->get("/$place/empty")->status, 200, "$place: an empty file";
    my $c = $t->connect;
    ok $c->get("/$place/big")->body eq $big, "$place: a big file";
    is $c->get("/$place/big", headers => [Range => 'bytes=500000-500099'])
        ->body, substr($big, 500_000, 100), "$place: a range of it";
    is $c->get("/$place/small")->body, 'small',
        "$place: the connection goes on";
}
is $t->get('/var/small?pool=mine')->body, 'small', 'a variable names the pool';

# Many at once, some of which leave early.
my @conns = map { $t->connect } 1 .. 20;
$_->send_request('GET', '/copy/big', close => 1) for @conns;
$conns[$_]->abort for 0 .. 4;
my $good = grep { $_->read_response->body eq $big } @conns[5 .. 19];
is $good, 15, 'many at once';

my $r = conf_test("events {} http { server { aio threads=none; } }\n");
like $r->{err}, qr/\[emerg\] unknown thread pool "none" in /,
    'an unknown pool';
is $r->{code}, 1, 'an unknown pool: exit code';

done_testing;
