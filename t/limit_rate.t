# SPDX-License-Identifier: BSD-2-Clause
#
# limit_rate and limit_rate_after.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time);
use Weir::Test;

my $t = Weir::Test->new;
my $data = join '', map { chr(65 + $_ % 26) } 1 .. 40_000;
$t->write('html/data', $data);
$t->run(<<'EOC');
%%HTTP%%
    log_format brief '$request_uri $status $body_bytes_sent';
    server {
        listen 127.0.0.1:%%PORT%%;
        location /slow/ { alias %%TESTDIR%%/html/; limit_rate 20k; }
        location /copy/ { alias %%TESTDIR%%/html/; sendfile off;
                          limit_rate 20k; }
        location /after/ { alias %%TESTDIR%%/html/; limit_rate 4k;
                           limit_rate_after 30k; }
        location /minutes/ { alias %%TESTDIR%%/html/; limit_rate 1;
                           access_log %%TESTDIR%%/access.log brief; }
        location /waits { auth_delay 60s; auth_basic x;
                          auth_basic_user_file %%TESTDIR%%/html/data;
                          access_log %%TESTDIR%%/access.log brief; }
        location /free/ { alias %%TESTDIR%%/html/; limit_rate 0; }
        location /set/ { alias %%TESTDIR%%/html/; set $limit_rate 20k; }
        location /var/ { alias %%TESTDIR%%/html/; limit_rate $arg_rate;
                         limit_rate_after $arg_after; }
    }
}
EOC

# takes($uri, $least): the whole body in so many seconds at least, and with
# no more delay than a busy machine explains.
sub takes {
    my ($uri, $least) = @_;
    my $start = time;
    my $r = $t->get($uri);
    my $time = time - $start;

    ok $r->body eq $data, "$uri: all bytes";
    cmp_ok $time, '>=', $least, "$uri: not too fast";
    cmp_ok $time, '<=', Weir::Test::slow(9), "$uri: not too slow";
}

# A client that leaves is noticed at once, in the middle of a delay of minutes.
for my $how (qw(close abort)) {
    my $c = $t->connect;

    $c->send("GET /minutes/data?$how HTTP/1.1\r\nHost: a\r\n\r\n");
    $c->read_until(qr/\r\n\r\n/);
    $c->$how;
    ok wait_until(sub { $t->read('access.log') =~ /\?$how 200 \d+$/m }),
        "$how: logged";
    $c = $t->connect;
    $c->send("GET /waits?$how HTTP/1.1\r\nHost: a\r\n\r\n");
    select undef, undef, undef, 0.1;
    $c->$how;
    ok wait_until(sub { $t->read('access.log') =~ /waits\?$how (?:499|000)/ }),
        "$how in auth_delay: logged";
}
takes('/free/data', 0);
takes('/after/data', 0.5);
takes('/slow/data', 0.9);
takes('/copy/data', 0.9);
takes('/set/data', 0.9);
takes('/var/data?rate=100k', 0);
takes('/var/data', 0);

done_testing;
