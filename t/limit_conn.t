# SPDX-License-Identifier: BSD-2-Clause
#
# limit_conn: how many at once, until when they count, several zones, dry runs;
# workers, reloads and deaths; zones that are full; the lines of the log.
#
# Requests that stay are those to an upstream that never answers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use Weir::Test;

need_module('http_limit_conn', 'http_limit_req');

my $t = Weir::Test->new;
$t->write('html/plain.txt', "plain\n");
$t->write('html/big', 'x' x 8_000_000);
$t->port('silent');
my $silent = IO::Socket::INET->new(Listen => 128, LocalAddr => '127.0.0.1',
    LocalPort => $t->port('silent'), ReuseAddr => 1, Timeout => 10)
    or die "listen: $!\n";
$t->run(<<'EOC');
%%GLOBALS%%
worker_processes 4;
events { }
http {
    %%GLOBALS_HTTP%%
    log_format l '$request_uri $status $limit_conn_status';
    access_log %%TESTDIR%%/l.log l;
    large_client_header_buffers 4 128k;
    limit_conn_zone $arg_k zone=one:1m;
    limit_conn_zone $arg_k zone=two:1m;
    limit_conn_zone $arg_j zone=other:1m;
    limit_conn_zone $arg_k zone=full:32k;
    limit_conn_zone $server_name zone=all:1m;
    limit_conn_status 429;
    limit_req_zone $arg_k zone=req:1m rate=1r/m;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name l.test;
        root %%TESTDIR%%/html;
        add_header X-Limit "[$limit_conn_status]" always;
        location / { limit_conn one 1; try_files /plain.txt =404; }
        location /stay { limit_conn one 1; proxy_pass http://127.0.0.1:%%PORT_silent%%; }
        location /stay2 { limit_conn one 2; proxy_pass http://127.0.0.1:%%PORT_silent%%; }
        location /both { limit_conn other 9; limit_conn one 1; proxy_pass http://127.0.0.1:%%PORT_silent%%; }
        location /other { limit_conn other 1; try_files /plain.txt =404; }
        location /level { limit_conn one 1; limit_conn_log_level info; limit_conn_status 503; try_files /plain.txt =404; }
        location /dry { limit_conn one 1; limit_conn_dry_run on; try_files /plain.txt =404; }
        location /drystay { limit_conn one 1; limit_conn_dry_run on; proxy_pass http://127.0.0.1:%%PORT_silent%%; }
        location /inner { limit_conn one 1; location /inner/none { try_files /plain.txt =404; }
            location /inner/own { limit_conn two 1; try_files /plain.txt =404; } }
        location /big { limit_conn one 1; alias %%TESTDIR%%/html/big; }
        location /redirected { limit_conn one 1; try_files /none /again$is_args$args; }
        location /again { limit_conn one 1; limit_conn two 1; try_files /plain.txt =404; }
        location /page { limit_conn one 1; error_page 404 /again; try_files /none =404; }
        location /broken { limit_conn one 1; proxy_pass http://127.0.0.1:1; }
        location /main { limit_conn one 1; mirror /mirror; try_files /plain.txt =404; }
        location /mirror { internal; limit_conn one 1; return 200; }
        location /free { mirror /slow; try_files /plain.txt =404; }
        location /slow { internal; limit_conn two 1; proxy_pass http://127.0.0.1:%%PORT_silent%%; }
        location /two { limit_conn two 1; try_files /plain.txt =404; }
        location /full { limit_conn full 1; proxy_pass http://127.0.0.1:%%PORT_silent%%; }
        location /all { limit_conn all 20; proxy_pass http://127.0.0.1:%%PORT_silent%%; }
        location /return { limit_conn one 1; return 200 x; }
        location /req { limit_conn one 1; limit_req zone=req; limit_req_status 403; proxy_pass http://127.0.0.1:%%PORT_silent%%; }
    }
}
EOC

sub statuses {
    return join ' ', map { $t->get($_)->status } @_;
}
# The same, each asked again while it is refused: the worker that has sent a
# response may still have to count it as done.
sub served {
    return join ' ', map {
        my ($uri, $status) = $_;
        wait_until(sub { ($status = $t->get($uri)->status) != 429 });
        $status;
    } @_;
}
sub limited { return $t->get($_[0])->header('X-Limit') }
sub lines { my ($re) = @_; return grep { $_ =~ $re } $t->log }

# stay($uri): a request that stays, once the upstream has it; asked again while
# the one before is not yet counted as done.
my @upstreams;
sub stay {
    my ($uri) = @_;
    my $kept;

    wait_until(sub {
        my $c = $t->connect;
        $c->send("GET $uri HTTP/1.1\r\nHost: l.test\r\n\r\n");
        my ($ready) = IO::Select->new($silent, $c->socket)->can_read(5);
        return 0 if !$ready || $ready != $silent;
        push @upstreams, scalar $silent->accept;
        $kept = $c;
    });
    return $kept // die "$uri does not get through\n";
}

# When it can be asked again.
sub freed {
    my ($uri) = @_;
    return wait_until(sub { $t->get($uri)->status == 200 });
}

# ---- how many

is limited('/?k=a'), '[PASSED]', 'one at a time';
is limited('/'), '[]', 'an empty key';
is served(('/?k=a') x 3), '200 200 200', 'one after the other';
my $piped = $t->connect;
$piped->send(join '', map { "GET /?k=p HTTP/1.1\r\nHost: a\r\n"
    . ($_ == 5 ? "Connection: close\r\n" : '') . "\r\n" } 1 .. 5);
is scalar(() = $piped->read_all =~ m{^HTTP/1.1 200 }mg), 5, 'pipelined';
$piped->close;

my $first = stay('/stay?k=a');
is statuses('/?k=a', '/?k=b', '/stay?k=a'), '429 200 429', 'no second one';
is limited('/?k=a'), '[REJECTED]', 'REJECTED';
is statuses('/return?k=a'), '200', 'return is not limited';
my $line = (lines(qr/limiting/))[0] // '';
like $line, qr{^\d+/\d+/\d+ \d+:\d+:\d+ \[error\] \d+\#\d+: \*\d+ limiting connections by zone "one", client: 127\.0\.0\.1, server: l\.test, request: "GET /\?k=a HTTP/1\.1", host: "[^"]*"$},
    'the line of the log';
# fail2ban's filters for limits, without what is taken off before
like $line =~ s/^\S+ \S+//r,
    qr/^\s*\[[a-z]+\] \d+#\d+: \*\d+ limiting connections by zone "(?:[^"]+)", client: (?:::f{4,6}:)?127\.0\.0\.1,/,
    'as fail2ban would read it';
my $second = stay('/stay2?k=a');
is statuses('/stay2?k=a'), '429', 'two, where two may be';
$second->close;
ok wait_until(sub { grep { m{^/stay2\?k=a 499} } $t->log('l.log') }),
    'one client leaves';
is statuses('/?k=a'), '429', 'one is still there';
$first->close;
ok freed('/?k=a'), 'both have left';

is served('/level?k=a'), '200', 'limit_conn_log_level';
$first = stay('/stay?k=a');
is served('/level?k=a'), '503', 'and a status';
ok $t->wait_log(qr/\[info\] \S+ \*\d+ limiting connections by zone "one".*level/),
    'at that level';
my $r = $t->get('/dry?k=a');
is $r->status . $r->header('X-Limit'), '200[REJECTED_DRY_RUN]', 'a dry run';
ok $t->wait_log(qr/\[error\] \S+ \*\d+ limiting connections, dry run, by zone "one", client: 127/),
    'is logged';
$second = stay('/drystay?k=a');
$first->close;
ok freed('/?k=a'), 'who was too many in a dry run does not count';
$second->close;

$first = stay('/req?k=req');
is statuses('/req?k=req', '/?k=req'), '403 429', 'limit_req is asked before';
$first->close;

# ---- until when

my $c = $t->connect;
$c->send("GET /big?k=big HTTP/1.1\r\nHost: l.test\r\n\r\n");
$c->read_until(qr/\r\n\r\nx/);
is statuses('/?k=big'), '429', 'as long as the response is being sent';
$c->close;
ok freed('/?k=big'), 'or the client has left';
is served(('/broken?k=a') x 3), '502 502 502', 'or it failed';
is served(('/page?k=a') x 3), '404 404 404', 'pages of errors';
is served('/redirected?k=a', '/redirected?k=a'), '200 200',
    'an internal redirect is counted once';
is served(('/main?k=a') x 3), '200 200 200', 'subrequests are not';
$c = stay('/free?k=a');
is statuses('/two?k=a'), '429', 'unless they are the first that is limited';
close pop @upstreams;
ok freed('/two?k=a'), 'then the request counts until its end';
$c->close;
is served('/inner/none?k=a', '/inner/own?k=a'), '200 200', 'own limits';
$first = stay('/stay?k=a');
is statuses('/inner/none?k=a', '/inner/own?k=a'), '429 200',
    'replace those of outer blocks';
is statuses('/both?k=a&j=j', '/other?j=j'), '429 200',
    'who is refused by one zone is counted by none';
$first->close;
ok freed('/?k=a'), 'all is given back';

# ---- workers, reloads and deaths

my @all = map { stay('/all') } 1 .. 20;
is statuses(('/all') x 8), join(' ', ('429') x 8), 'four workers serve 20';
(pop @all)->close for 1 .. 5;
wait_until(sub { (grep { m{^/all 499} } $t->log('l.log')) == 5 });
push @all, map { stay('/all') } 1 .. 5;
is statuses(('/all') x 8), join(' ', ('429') x 8), 'five others for five';
ok $t->reload, 'a reload';
is statuses('/all'), '429', 'keeps all counts';
wait_until(sub { $t->worker_pids == 4 });

SKIP: {
    skip 'an nginx does not give back what dead workers had', 4
        if is_oracle() || !lives_on();
    $t->expect_log(qr/\[alert\] .* exited on signal 9/);
    my @victims = $t->worker_pids;
    kill 'KILL', $_ for @victims[0 .. 2];
    wait_until(sub { my %is = map { $_ => 1 } $t->worker_pids;
                     keys %is == 4 && !grep { $is{$_} } @victims[0 .. 2] });
    my @open = grep { !$_->closed(0.2) } @all;
    cmp_ok scalar(@open), '<', 20, 'workers are killed';
    # their successors have ports that nobody else has to be asked at
    my @more;
    ok wait_until(sub {
        push @more, stay('/all') if @more + @open < 20;
        return @more + @open == 20;
    }), 'what they had is given back';
    is statuses(('/all') x 8), join(' ', ('429') x 8), 'and no more';
    kill 'KILL', $victims[3];
    wait_until(sub { my @pids = $t->worker_pids;
                     @pids == 4 && !grep { $_ == $victims[3] } @pids });
    $_->close for @more, @open;
    pass 'the last one of them';
}
$_->close for @all;

# ---- long keys, and zones that are full

my $long = 'x' x 200;
$first = stay("/stay?k=$long");
is statuses("/?k=$long", "/?k=${long}y"), '429 200', 'a long key';
$first->close;
SKIP: {
    skip 'an nginx does otherwise', 7 if is_oracle();

    $long = 'x' x 70000;
    $first = stay("/stay?k=$long");
    is statuses("/?k=$long", "/?k=${long}y"), '429 200',
        'a key of more than 255 bytes is limited';
    ok $t->wait_log(qr/\[error\] \S+ \*\d+ the value of the "\$arg_k" key is more than 255 bytes: "xxx/),
        'and logged';
    $first->close;

    my @many = map { stay("/full?k=$_") } 1 .. 400;
    is scalar(@many), 400, 'a zone that is full refuses nobody';
    is scalar(lines(qr/\[warn\] .* zone "full" is full: /)), 1, 'said once';
    is statuses('/full?k=400'), '429', 'the newest one counts';
    push @many, stay('/full?k=1');
    is scalar(@many), 401, 'the oldest is forgotten';
    $_->close for @many;
    ok wait_until(sub { (grep { m{^/full\S* 499} } $t->log('l.log')) == 401 }),
        'all leave';
}

# ---- the configuration

my $other = Weir::Test->new;
sub conf_of { return "events {}\nhttp {\nlimit_conn_zone \$arg_a zone=c:1m;\n$_[0]\n}\n" }
my @bad = (
    'limit_conn_zone $arg_a zone=z' => 'invalid zone size "zone=z"',
    'limit_conn_zone $arg_a foo=z' => 'invalid parameter "foo=z"',
    'limit_conn_zone $arg_a zone=:1m' => '"limit_conn_zone" must have "zone" parameter',
    'limit_conn_zone $arg_a zone=z:31k' => 'zone "zone=z:31k" is too small',
    'limit_conn_zone $arg_c zone=c:1m' => 'limit_conn_zone "c" is already bound to key "$arg_a"',
    'limit_conn c 0' => 'invalid number of connections "0"',
    'limit_conn c x' => 'invalid number of connections "x"',
    'limit_conn c 65536' => 'connection limit must be less 65536',
    'limit_conn c 65535' => undef,
    'limit_conn c' => 'invalid number of arguments in "limit_conn" directive',
    'limit_conn c 1; limit_conn c 2' => '"limit_conn" directive is duplicate',
    'limit_zone one $binary_remote_addr 10m' => 'unknown directive "limit_zone"',
    'limit_conn_status 600' => 'value must be between 400 and 599',
    'limit_req_zone $arg_a zone=c:1m rate=1r/s' => 'the shared memory zone "c" is already declared for a different use',
    'limit_conn_dry_run x' => 'invalid value "x" in "limit_conn_dry_run" directive, it must be "on" or "off"',
);
while (my ($text, $wanted) = splice @bad, 0, 2) {
    my $test = conf_test(conf_of("$text;"), test => $other);
    if (!defined $wanted) {
        is $test->{code}, 0, $text;
    } else {
        is $test->{first}, "$wanted in F:4", $text;
    }
}
my $test = conf_test(conf_of('server { limit_conn none 1; }'), test => $other);
like $test->{err}, qr/^nginx: \[emerg\] zero size shared memory zone "none"$/m,
    'a zone that nobody defines';
SKIP: {
    skip 'an nginx does not say more', 2 if is_oracle();
    $test = conf_test(conf_of('server { limit_conn none 1; }'), test => $other,
                      args => ['--lint']);
    like $test->{err}, qr/^ +in \S+:4$/m, 'the place where it is used';
    like $test->{err}, qr/limit_conn_zone KEY zone=none:10m;/,
        'and what is missing';
}

done_testing;
