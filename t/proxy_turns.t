# SPDX-License-Identifier: BSD-2-Clause
#
# A response that comes faster than it is read lets other requests have their turn:
# megabytes of it have arrived while the worker was stopped, and a request that
# needs a few turns of the loop ends before all of them are read.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_SNDBUF);
use Weir::Test;

plan skip_all => 'nginx reads on' if is_oracle();

use constant ARRIVED => 2_500_000;

my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1')
    or die "listen: $!\n";
setsockopt $listener, SOL_SOCKET, SO_SNDBUF, 65536;

my $t = Weir::Test->new;
$t->run(<<"EOC");
worker_processes 1;
%%HTTP%%
    log_format uri \$uri;
    access_log %%TESTDIR%%/uris uri;
    proxy_cache_path %%TESTDIR%%/c keys_zone=one:1m;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / {
            proxy_pass http://127.0.0.1:@{[$listener->sockport]};
            proxy_cache one;
            proxy_cache_valid 1h;
        }
        location /one { proxy_pass http://127.0.0.1:%%PORT%%/two; }
        location /two { return 200 ok; }
    }
}
EOC

# push_bytes($s, $n): sends as many, or fewer where there is no room for half a
# second; how many.
sub push_bytes {
    my ($s, $n) = @_;
    my ($sent, $wait) = (0, IO::Select->new($s));

    $s->blocking(0);
    while ($sent < $n && $wait->can_write(0.5)) {
        my $more = $n - $sent < 65536 ? $n - $sent : 65536;

        $sent += syswrite($s, 'x' x $more) // last;
    }
    return $sent;
}

# A HEAD whose body is stored all the same: no client holds it up.
my $client = $t->connect;
$client->send("HEAD /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
my $peer = $listener->accept;
sysread $peer, my $request, 65536;
like $request, qr/^GET/, 'it is asked for whole';
syswrite $peer, "HTTP/1.1 200 OK\r\n\r\n";
is push_bytes($peer, 100_000_000), 100_000_000, 'the window has grown';
wait_until(sub {
    my ($file) = glob $t->path('c/*');
    return defined $file && -s $file >= 100_000_000;
});

my ($worker) = $t->worker_pids;
kill 'STOP', $worker;
my $arrived = push_bytes($peer, ARRIVED);
my $other = $t->connect;
$other->send("GET /one HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
close $peer;
kill 'CONT', $worker;

wait_until(sub { ($t->read('uris') =~ tr/\n//) == 3 });
SKIP: {
    skip "only $arrived bytes fit into the sockets", 1 if $arrived < ARRIVED;
    is $t->read('uris'), "/two\n/one\n/big\n", 'the large one ends last';
}

done_testing;
