# SPDX-License-Identifier: BSD-2-Clause
#
# Limits for each client behind a proxy that nobody has told realip of: said once,
# and only where it is certain.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

plan skip_all => 'an nginx does not say so' if is_oracle();
need_module('http_limit_req', 'http_realip');

# How often it is said after that many requests with these headers.
sub said {
    my ($lines, @requests) = @_;
    my $t = Weir::Test->new;

    $t->write('html/x', 'x');
    $t->run(<<"EOC");
%%HTTP%%
    limit_req_zone \$binary_remote_addr zone=one:1m rate=1000r/s;
    limit_req_zone \$http_x_forwarded_for zone=other:1m rate=1000r/s;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        $lines
    }
}
EOC
    my $c = $t->connect;
    for my $of (@requests) {
        my @fields = defined $of ? (headers => ['X-Forwarded-For' => $of]) : ();
        $c->request('GET', '/x', @fields);
    }
    $c->close;
    $t->stop;
    return scalar grep { /\[warn\] \S+ \*\d+ all clients are counted as one by zone "one": so far all requests came from 127\.0\.0\.1, with different addresses in X-Forwarded-For; see set_real_ip_from and real_ip_header, client: 127\.0\.0\.1,/ } $t->log;
}

my $limit = 'limit_req zone=one burst=5000 nodelay;';
my @many = map { '192.0.2.' . ($_ % 20) } 1 .. 110;
is said($limit, @many), 1, 'many clients through one address';
is said($limit, @many[0 .. 98]), 0, 'not so many requests';
is said($limit, ('192.0.2.1') x 110), 0, 'one client';
is said($limit, undef, @many), 0, 'a request without a proxy';
is said("set_real_ip_from 10.0.0.1; $limit", @many), 0, 'realip knows of a proxy';
is said("set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; $limit", @many), 0,
    'realip is at work';
is said('limit_req zone=other burst=5000 nodelay;', @many), 0, 'another key';

done_testing;
