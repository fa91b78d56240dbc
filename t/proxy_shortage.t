# SPDX-License-Identifier: BSD-2-Clause
#
# Who is short of something fails his own request, and no peer: an address to
# send from that this machine lacks, no free connection.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test;

my @backends = map {
    my $name = $_;
    Weir::Backend->http(sub {
        my ($request) = @_;

        sleep 1 if $request->uri =~ /slow/;
        return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$name";
    });
} qw(a b);
my $servers = join ' ',
    map { 'server 127.0.0.1:' . $_->port . ' fail_timeout=60s;' } @backends;

my $t = Weir::Test->new;
$t->expect_log(qr/\[crit\] .*bind\(192\.0\.2\.77\) failed/);
$t->expect_log(qr/worker_connections are not enough/);
$t->run(<<"EOC");
%%GLOBALS%%
worker_processes 1;
events { worker_connections 21; }
http {
    %%GLOBALS_HTTP%%
    upstream two { $servers }
    proxy_next_upstream error timeout http_500;
    server {
        listen 127.0.0.1:%%PORT%%;
        add_header X-Tried \$upstream_status always;
        location / { proxy_pass http://two; }
        location /bad { proxy_pass http://two; proxy_bind 192.0.2.77; }
    }
}
EOC

sub both {
    return join '', sort map { $t->get('/')->body } 1, 2;
}

is both(), 'ab', 'both answer';
is $t->get('/bad')->status, 500, 'an address that is not here' for 1 .. 4;
is $t->get('/bad')->header('X-Tried'), '-', 'no other peer was asked';
is both(), 'ab', 'no peer is blamed for it';

my @slow = map { $t->connect } 1 .. 12;
$_->send_request('GET', '/slow') for @slow;
my %got;
$got{ $_->read_response->status // 'closed' }++ for @slow;
SKIP: {
    skip 'an nginx lets clients wait', 1 if is_oracle();
    cmp_ok $got{500} // 0, '>', 0, 'without a free connection: 500';
}
cmp_ok $got{200} // 0, '>', 0, 'who has one is served';
is $got{502}, undef, 'no peer has failed';
$_->close for @slow;
ok wait_until(sub { both() eq 'ab' }), 'nor afterwards';
unlike $t->log, qr/temporarily disabled|no live upstreams/, 'nothing of the kind is logged';

done_testing;
