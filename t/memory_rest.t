# SPDX-License-Identifier: BSD-2-Clause
#
# After a burst a worker gives its memory back, though a few of its streams last.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2 qw(frame);
use Weir::Processes qw(children);
use Weir::Test;

plan skip_all => 'nginx keeps it' if is_oracle();
need_module('http_v2');

my $t = Weir::Test->new;
$t->write('html/big', 'x' x 1_000_000);
$t->run(<<'EOC');
%%HTTP%%
    http2 on;
    proxy_http_version 2;
    proxy_buffers 32 8k;
    proxy_max_temp_file_size 0;
    upstream files { server 127.0.0.1:%%PORT_files%%; keepalive 8; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://files; }
    }
    server {
        listen 127.0.0.1:%%PORT_files%%;
        root %%TESTDIR%%/html;
    }
}
EOC
# Of all workers, in kB.
sub memory {
    my $n = 0;
    $n += $t->read("/proc/$_/status") =~ /RssAnon:\s+(\d+)/ ? $1 : 0 for children($t->pid);
    return $n;
}

my $c = Weir::H2->new(port => $t->port, settings => [4 => 0], closed => 1);
$c->ping;
my $before = memory();
my @all = map { $c->request('GET', '/big') } 1 .. 90;
ok wait_until(sub { $c->ping; memory() > $before + 16_000 }), 'many responses that wait for a client' or diag memory() - $before;
my $last = $c->request('GET', '/big');
$c->ping;
$c->raw(join '', map { frame(3, 0, $_, pack 'N', 8) } @all);
SKIP: {
    skip 'a sanitizer has its own', 1 if !lives_on();
    ok wait_until(sub { memory() < $before + 10_000 }, 20), '... and are gone'
        or diag memory() - $before;
}
$c->raw(frame(8, 0, $_, pack 'N', 2_000_000)) for 0, $last;
is length $c->wait($last)->{body}, 1_000_000, '... but for the last one';

done_testing;
