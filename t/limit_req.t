# SPDX-License-Identifier: BSD-2-Clause
#
# limit_req: rates, bursts and delays, several at once, dry runs; what is counted
# once; workers, reloads and deaths; zones that are full; the lines of the log.
#
# A rate of 1r/m lets nothing more through while this test runs.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_limit_req');

my $t = Weir::Test->new;
$t->write('html/plain.txt', "plain\n");
$t->run(<<'EOC');
%%GLOBALS%%
worker_processes 4;
events { }
http {
    %%GLOBALS_HTTP%%
    log_format l '$request_uri $status $limit_req_status';
    access_log %%TESTDIR%%/l.log l;
    large_client_header_buffers 4 128k;
    limit_req_zone $arg_k zone=one:1m rate=1r/m;
    limit_req_zone $arg_k zone=two:1m rate=1r/m;
    limit_req_zone $arg_k zone=fast:1m rate=20r/s;
    limit_req_zone $arg_j zone=other:1m rate=1r/m;
    limit_req_zone $arg_k zone=sub:1m rate=1r/m;
    limit_req_zone $arg_k zone=dry:1m rate=1r/m;
    limit_req_zone $arg_k zone=full:32k rate=1r/m;
    limit_req_zone $arg_k zone=late:1m rate=1r/m;
    limit_req_zone $server_name zone=many:1m rate=1r/m;
    limit_req_zone prefix$arg_k zone=constant:1m rate=1r/m;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name l.test;
        root %%TESTDIR%%/html;
        add_header X-Limit "[$limit_req_status]" always;
        location / { limit_req zone=one; try_files /plain.txt =404; }
        location /burst { limit_req zone=one burst=3 nodelay; try_files /plain.txt =404; }
        location /delay { limit_req zone=fast burst=9; try_files /plain.txt =404; }
        location /delay2 { limit_req zone=fast burst=9 delay=2; try_files /plain.txt =404; }
        location /info { limit_req zone=fast burst=9; limit_req_log_level info; try_files /plain.txt =404; }
        location /late { limit_req zone=late burst=9; try_files /plain.txt =404; }
        location /status { limit_req zone=one; limit_req_status 429; limit_req_log_level warn; try_files /plain.txt =404; }
        location /close { limit_req zone=one; limit_req_status 444; try_files /plain.txt =404; }
        location /page { limit_req zone=one; error_page 503 /counted; try_files /plain.txt =404; }
        location /counted { limit_req zone=two; try_files /plain.txt =404; }
        location /dry { limit_req zone=dry; limit_req_dry_run on; try_files /plain.txt =404; }
        location /drydelay { limit_req zone=dry burst=9; limit_req_dry_run on; try_files /plain.txt =404; }
        location /both { limit_req zone=two; limit_req zone=other burst=5 nodelay; try_files /plain.txt =404; }
        location /other { limit_req zone=other; try_files /plain.txt =404; }
        location /inner { limit_req zone=one; location /inner/none { try_files /plain.txt =404; }
            location /inner/own { limit_req zone=two; try_files /plain.txt =404; } }
        location /denied { limit_req zone=one; deny all; }
        location /return { limit_req zone=one; return 200 x; }
        location /rewritten { limit_req zone=two; rewrite ^ /to last; }
        location /to { limit_req zone=one; try_files /plain.txt =404; }
        location /redirected { limit_req zone=one; try_files /none /again$is_args$args; }
        location /again { limit_req zone=one; limit_req zone=two; try_files /plain.txt =404; }
        location /main { limit_req zone=one burst=1 nodelay; mirror /mirror; try_files /plain.txt =404; }
        location /free { mirror /mirror; try_files /plain.txt =404; }
        location /mirror { internal; limit_req zone=sub; try_files /plain.txt =404; }
        location /full { limit_req zone=full; try_files /plain.txt =404; }
        location /many { limit_req zone=many burst=99 nodelay; try_files /plain.txt =404; }
        location /constant { limit_req zone=constant; try_files /plain.txt =404; }
    }
}
EOC

# Statuses of GETs, one after the other.
sub statuses {
    return join ' ', map { $t->get($_)->status } @_;
}

# What the variable was at the last one.
sub limited { return $t->get($_[0])->header('X-Limit') }

# The lines of the error log that match.
sub lines { my ($re) = @_; return grep { $_ =~ $re } $t->log }

# ---- the rate

is statuses('/?k=a', '/?k=a', '/?k=b', '/x?k=a'), '200 503 200 503',
    'one each minute, for each key';
is limited('/?k=c'), '[PASSED]', 'PASSED';
is limited('/?k=c'), '[REJECTED]', 'REJECTED';
is statuses(('/?k=') x 3, ('/') x 3), '200 200 200 200 200 200', 'an empty key';
is limited('/'), '[]', 'is not limited';
is statuses(('/burst?k=d') x 6), '200 200 200 200 503 503', 'a burst';
is statuses('/?k=d'), '503', '... of the same zone';
is statuses(('/constant') x 2), '200 503', 'a key of text and variables';
is statuses('/denied?k=e', '/denied?k=e'), '403 503', 'before access rules';
is statuses(('/return?k=e2') x 2), '200 200', 'return is not limited';
is $t->post('/?k=f', 'x')->status . statuses('/?k=f'), '405503',
    'any method counts';

my $line = (lines(qr/by zone "one"/))[0] // '';
like $line, qr{^\d+/\d+/\d+ \d+:\d+:\d+ \[error\] \d+\#\d+: \*\d+ limiting requests, excess: (?:1\.000|0\.9\d\d) by zone "one", client: 127\.0\.0\.1, server: l\.test, request: "GET /\?k=a HTTP/1\.1", host: "[^"]*"$},
    'the line of the log';
# fail2ban's filter nginx-limit-req, without what it takes off before
like $line =~ s/^\S+ \S+//r,
    qr/^\s*\[[a-z]+\] \d+#\d+: \*\d+ limiting requests, excess: [\d\.]+ by zone "(?:[^"]+)", client: (?:::f{4,6}:)?127\.0\.0\.1,/,
    'as fail2ban reads it';

# ---- delays

is limited('/delay?k=a'), '[PASSED]', 'the first at once';
ok wait_until(sub { limited('/delay?k=a') eq '[DELAYED]' }),
    'one that comes within 50 ms is delayed';
ok $t->wait_log(qr/\[warn\] \d+#\d+: \*\d+ delaying request, excess: [01]\.\d{3}, by zone "fast", client: 127\.0\.0\.1, server: l\.test, request: "GET \/delay\?k=a HTTP\/1\.1"/),
    'one level below';
is statuses(('/delay2?k=b') x 3), '200 200 200', 'delay=2';
is scalar(lines(qr/delaying request.*delay2/)), 0, 'these at once';
is statuses(('/info?k=c') x 2), '200 200', 'a level of info';
ok wait_until(sub {
    return $t->get('/info?k=c')->status == 200
        && lines(qr/\[info\] \S+ \*\d+ delaying request, excess: \S+ by zone "fast".*info\?k=c/);
}), 'has none below it';

is statuses('/late?k=a'), '200', 'a delay of a minute';
my $c = $t->connect;
$c->send("GET /late?k=a HTTP/1.1\r\nHost: a\r\n\r\n");
ok $t->wait_log(qr/delaying request, excess: 1\.000, by zone "late"|delaying request, excess: 0\.9\d\d, by zone "late"/),
    'the request waits';
is statuses('/late'), '200', 'others do not';
$c->close;
ok $t->wait_log(qr{^/late\?k=a 499 DELAYED$}, 'l.log'),
    'its end, when the client leaves';

# ---- results

is $t->get('/status?k=g')->status . $t->get('/status?k=g')->status, '200429',
    'limit_req_status';
ok $t->wait_log(qr/\[warn\] \S+ \*\d+ limiting requests, .*status\?k=g/),
    'limit_req_log_level';
is statuses('/close?k=h'), '200', 'limit_req_status 444';
$c = $t->connect;
$c->send("GET /close?k=h HTTP/1.1\r\nHost: a\r\n\r\n");
is $c->read_all // '', '', 'closes without an answer';
is statuses('/page?k=i', '/page?k=i'), '200 503', 'a page for it';
is statuses('/counted?k=i'), '200', 'is not counted where it is';

is limited('/dry?k=a'), '[PASSED]', 'a dry run';
my $r = $t->get('/dry?k=a');
is $r->status . $r->header('X-Limit'), '200[REJECTED_DRY_RUN]', 'lets through';
ok $t->wait_log(qr/\[error\] \S+ \*\d+ limiting requests, dry run, excess: [01]\.\d{3} by zone "dry", client: 127\.0\.0\.1,/),
    'and logs';
is limited('/drydelay?k=b'), '[PASSED]', 'what would be delayed';
is limited('/drydelay?k=b'), '[DELAYED_DRY_RUN]', 'is not';
ok $t->wait_log(qr/\[warn\] \S+ \*\d+ delaying request, dry run, excess: [01]\.\d{3}, by zone "dry"/),
    'and is logged';

# ---- several, and what is counted once

is statuses(('/both?k=j&j=j') x 3), '200 503 503', 'two zones';
is statuses(map { "/both?k=j$_&j=j" } 1 .. 6), '200 200 200 200 200 503',
    'who is refused by one is counted by none';
is statuses('/both?k=j6', '/both?k=j6&j=new', '/other?j=new'), '200 503 200',
    '... whichever it was';
is statuses('/inner/none?k=l', '/inner/none?k=l', '/inner/own?k=l',
            '/inner/own?k=l'), '200 503 200 503',
    'own ones replace those of outer blocks';
is statuses('/rewritten?k=m', '/rewritten?k=m', '/counted?k=m'), '200 503 200',
    'a rewritten URI is limited where it leads';
is statuses('/redirected?k=n', '/counted?k=n', '/redirected?k=n'),
    '200 200 503', 'an internal redirect is counted once';
is statuses(('/main?k=o') x 2), '200 200', 'subrequests';
is statuses('/free?k=o', '/free?k=p', '/free?k=p'), '200 200 200',
    'are not counted when the request is';
is scalar(lines(qr/limiting requests.*by zone "sub"/)), 1, '... else they are';

# ---- long keys

my $long = 'x' x 5000;
is statuses("/?k=$long", "/?k=$long", "/?k=${long}y", "/?k=y$long"),
    '200 503 200 200', 'a long key';

# ---- workers, reloads and deaths

# The statuses of n requests from each of so many processes.
sub load {
    my ($uri, $processes, $n) = @_;
    my (@pipes, %seen);

    for (1 .. $processes) {
        open my $pipe, '-|' // die or do {
            print $t->get($uri)->status, "\n" for 1 .. $n;
            close STDOUT;
            POSIX::_exit(0);
        };
        push @pipes, $pipe;
    }
    for my $pipe (@pipes) {
        while (my $status = <$pipe>) { chomp $status; $seen{$status}++ }
        close $pipe;
    }
    return join ' ', map { "$_:$seen{$_}" } sort keys %seen;
}

is load('/many', 4, 50), '200:100 503:100', 'four workers let 100 through';
is statuses('/many'), '503', 'and no more';
ok $t->reload, 'a reload';
is statuses('/many', '/?k=a', '/?k=new'), '503 503 200', 'keeps all counts';
wait_until(sub { $t->worker_pids == 4 });
my ($victim) = $t->worker_pids;
$t->expect_log(qr/\[alert\] .* worker process $victim exited on signal 9/);
kill 'KILL', $victim;
wait_until(sub { my @pids = $t->worker_pids;
                 @pids == 4 && !grep { $_ == $victim } @pids });
is load('/many', 4, 5), '503:20', 'so does the death of a worker';

my $rates = Weir::Test->new;
sub with_rate {
    return <<"EOC";
%%HTTP%%
    limit_req_zone one zone=one:1m rate=$_[0];
    server {
        listen 127.0.0.1:%%PORT%%;
        limit_req zone=one burst=3 nodelay;
    }
}
EOC
}
$rates->run(with_rate('1r/m'));
is join(' ', map { $rates->get('/')->status } 1 .. 5), '404 404 404 404 503',
    'a low rate';
ok $rates->reload(with_rate('100r/s')), '... becomes a high one';
ok wait_until(sub { $rates->get('/')->status == 404 }),
    'what had come by the low one drains by the high one';

# ---- the configuration

my $other = Weir::Test->new;
sub conf_of { return "events {}\nhttp {\nlimit_req_zone \$arg_a zone=q:1m rate=1r/s;\n$_[0]\n}\n" }
my @bad = (
    'limit_req_zone $arg_a zone=:1m rate=1r/s' => '"limit_req_zone" must have "zone" parameter',
    'limit_req_zone $arg_a rate=1r/s rate=1r/s' => '"limit_req_zone" must have "zone" parameter',
    'limit_req_zone $arg_a zone=z:1m rate=0r/s' => 'invalid rate "rate=0r/s"',
    'limit_req_zone $arg_a zone=z:1m rate=abc' => 'invalid rate "rate=abc"',
    'limit_req_zone $arg_a zone=z:1m rate=5' => undef,
    'limit_req_zone $arg_a zone=z:1m foo=5' => 'invalid parameter "foo=5"',
    'limit_req_zone $arg_b zone=q:1m rate=1r/s' => 'limit_req_zone "q" is already bound to key "$arg_a"',
    'limit_req_zone $arg_a zone=q:2m rate=1r/s' => 'the size 2097152 of shared memory zone "q" conflicts with already declared size 1048576',
    'limit_req_zone $arg_a zone=z rate=1r/s' => 'invalid zone size "zone=z"',
    'limit_req_zone $arg_a zone=z:1x rate=1r/s' => 'invalid zone size "zone=z:1x"',
    'limit_req_zone $arg_a zone=z:1k rate=1r/s' => 'zone "zone=z:1k" is too small',
    'limit_req_zone "" zone=z:1m rate=1r/s' => undef,
    'limit_req burst=1' => '"limit_req" must have "zone" parameter',
    'limit_req zone=q burst=0' => 'invalid burst value "burst=0"',
    'limit_req zone=q burst=x' => 'invalid burst value "burst=x"',
    'limit_req zone=q delay=0' => 'invalid delay value "delay=0"',
    'limit_req zone=q foo' => 'invalid parameter "foo"',
    'limit_req zone=q nodelay delay=3' => undef,
    'limit_req zone=q burst=9223372036854775807' => undef,
    'limit_req zone=q burst=9223372036854775808' => 'invalid burst value "burst=9223372036854775808"',
    "limit_req zone=q; limit_req zone=q burst=2" => '"limit_req" directive is duplicate',
    'limit_req_status 399' => 'value must be between 400 and 599',
    'limit_req_log_level crit' => 'invalid value "crit"',
    'limit_req_dry_run x' => 'invalid value "x" in "limit_req_dry_run" directive, it must be "on" or "off"',
);
while (my ($text, $wanted) = splice @bad, 0, 2) {
    my $test = conf_test(conf_of("$text;"), test => $other);
    if (!defined $wanted) {
        is $test->{code}, 0, $text;
        next;
    }
    is $test->{first}, "$wanted in F:4", $text;
}
my $test = conf_test(conf_of('server { limit_req zone=none; }'), test => $other);
like $test->{err}, qr/^nginx: \[emerg\] zero size shared memory zone "none"$/m,
    'a zone that nobody defines';

# ---- what nginx does not do

SKIP: {
    skip 'an nginx does otherwise', 7 if is_oracle();

    $test = conf_test(conf_of('server { limit_req zone=none; }'), test => $other,
                      args => ['--lint']);
    like $test->{err}, qr/^ +in \S+:4$/m, 'the place where it is used';
    like $test->{err}, qr/limit_req_zone KEY zone=none:10m rate=10r\/s;/,
        'and what is missing';

    is statuses('/full?k=first', '/full?k=first'), '200 503', 'a small zone';
    is load('/full?k=x', 1, 1) . join('', sort { $a <=> $b } keys %{{
        map { $t->get("/full?k=$_")->status => 1 } 1 .. 700 }}), '200:1200',
        'that is full refuses nobody';
    is statuses('/full?k=first', '/full?k=700'), '200 503',
        'and forgets the oldest';
    is scalar(lines(qr/\[warn\] .* zone "full" is full: /)), 1, 'said once';

    $long = 'x' x 70000;
    is statuses("/?k=$long", "/?k=$long", "/?k=${long}y"), '200 503 200',
        'a key of more than 65535 bytes is limited';
    ok $t->wait_log(qr/\[error\] \S+ \*\d+ the value of the "\$arg_k" key is more than 65535 bytes: "xxx/),
        'and logged';
}

done_testing;
