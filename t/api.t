# SPDX-License-Identifier: BSD-2-Clause
#
# api: the server and its upstreams as JSON; servers that are added, changed and
# removed in all workers, kept through reloads and, with state, restarts; what
# is refused; many who write at once, and kill -9 in the middle.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use POSIX ();
use Time::HiRes ();
use Weir::Test;

plan skip_all => 'commercial' if is_oracle();
plan skip_all => 'built without jansson' if (run_binary('doc', 'api'))[1] !~ /Syntax/;

my $t = Weir::Test->new;
$t->mkdir('state');
chmod 0777, $t->path('state');

my $backends = join '', map { <<"EOC" } 'a' .. 'd';
    server { listen 127.0.0.1:%%PORT_$_%%; access_log off; location / { return 200 $_; } location /404 { return 404 x; } }
EOC
my %port = map { ($_ => $t->port($_)) } 'a' .. 'd', 'dead';

sub conf {
    my ($word, $servers) = @_;
    $servers //= 'server 127.0.0.1:%%PORT_a%%; server 127.0.0.1:%%PORT_b%% weight=2 max_fails=3 fail_timeout=15s max_conns=7 slow_start=5s route=bb;';

    return <<"EOC";
%%GLOBALS%%
worker_processes 3;
events {}
http {
    %%GLOBALS_HTTP%%
    $backends
    upstream app { zone app 64k; $servers }
    upstream kept { zone kept 64k; state state/kept.conf; }
    upstream hashed { zone h 64k; hash \$uri; server 127.0.0.1:%%PORT_a%%; }
    upstream tiny { zone tiny 48k; server 127.0.0.1:%%PORT_a%%; server "unix:%%TESTDIR%%/a b"; }
    upstream static { server 127.0.0.1:%%PORT_a%%; }
    upstream waiting { zone w 64k; server 127.0.0.1:%%PORT_a%%; queue 7; sticky cookie srv; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /word { return 200 $word; }
        location /api { api write=on; allow 127.0.0.1; deny all; }
        location /read/ { api; }
        location /status/ { api; }
        location /app/ { proxy_pass http://app/; }
        location /tiny/ { proxy_pass http://tiny/; }
        location /kept/ { proxy_pass http://kept/; }
    }
}
EOC
}
$t->run(conf('w0'));

sub ask {
    my ($method, $path, $body, %opt) = @_;
    my $r = $t->request($method, $path, defined $body ? (body => ref $body ? encode_json($body) : $body) : (), %opt);

    return ($r->status, length $r->body ? eval { JSON::PP->new->decode($r->body) } : undef, $r);
}

sub get { my ($status, $got) = ask('GET', $_[0]); return $got }

sub fifo { POSIX::mkfifo(my $path = $t->path('pipe'), 0600); return $path }

sub who { my ($n, $path) = @_; return join '', sort map { $t->get($path // '/app/')->body } 1 .. $n }

# --- reading
is_deeply get('/api/'), [1 .. 9], 'versions';
is_deeply get('/api/9/'), [qw(nginx processes connections slabs http stream resolvers ssl workers)], 'what there is';
is_deeply get('/api/3/http/'), [qw(requests server_zones location_zones caches limit_conns limit_reqs keyvals upstreams)], '... of HTTP';
my $nginx = get('/api/9/nginx');
is $nginx->{version}, '1.31.5', 'the version';
like $nginx->{load_timestamp}, qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'since when';
is_deeply get('/api/9/nginx?fields=version,ppid'), { version => '1.31.5', ppid => $t->pid }, 'some fields';
ok get('/api/9/connections')->{accepted} > 0, 'connections';
ok get('/api/9/http/requests')->{total} > 0, 'requests';

is who(6), 'aabbbb', 'by weight';
my @names = sort keys %{ get('/api/9/http/upstreams') };
is "@names", 'app hashed kept tiny waiting', 'upstreams with a zone';
is_deeply [sort @{ get('/api/9/http/upstreams/?fields=') }], \@names, 'their names alone';
is_deeply get('/api/9/http/upstreams/app?fields=zone'), { zone => 'app' }, 'a field';
is_deeply get('/api/9/http/upstreams/waiting')->{queue}, { size => 0, max_size => 7, overflows => 0 }, 'a queue';
is_deeply get('/api/9/http/upstreams/kept')->{peers}, [], 'no servers';

my $app = get('/api/9/http/upstreams/app');
my ($one, $two) = @{ $app->{peers} };
is $one->{server}, "127.0.0.1:$port{a}", 'the address';
is_deeply [@$two{qw(id name backup weight state active max_conns requests fails unavail downtime)}],
    [1, "127.0.0.1:$port{b}", JSON::PP::false, 2, 'up', 0, 7, 4, 0, 0, 0], 'a peer';
is_deeply $two->{responses}, { '1xx' => 0, '2xx' => 4, '3xx' => 0, '4xx' => 0, '5xx' => 0, total => 4 }, 'its responses';
ok $two->{sent} > 100 && $two->{received} > 100, 'bytes';
is_deeply $two->{health_checks}, { checks => 0, fails => 0, unhealthy => 0 }, 'its health';
like $two->{selected}, qr/^20\d\d-.*Z$/, 'when it was chosen last';

is_deeply get('/api/9/http/upstreams/app/servers'), [
    { id => 0, server => "127.0.0.1:$port{a}", weight => 1, max_conns => 0, max_fails => 1,
      fail_timeout => '10s', slow_start => '0s', route => '', backup => JSON::PP::false, down => JSON::PP::false },
    { id => 1, server => "127.0.0.1:$port{b}", weight => 2, max_conns => 7, max_fails => 3,
      fail_timeout => '15s', slow_start => '5s', route => 'bb', backup => JSON::PP::false, down => JSON::PP::false },
], 'servers';
is get('/api/9/http/upstreams/app/servers/1')->{route}, 'bb', 'one of them';

# Angie
for my $root ('/status', '/read/status', '/read') {
    my $peers = get("$root/http/upstreams/app")->{peers};
    is $peers->{"127.0.0.1:$port{b}"}{selected}{total}, 4, "$root/http/upstreams";
}
is_deeply [sort keys %{ get("/status/http/upstreams/app/peers/127.0.0.1:$port{a}") }], ["127.0.0.1:$port{a}"], 'one peer';
is get('/status/http/upstreams')->{waiting}{peers}{"127.0.0.1:$port{a}"}{sid} =~ /^[0-9a-f]{32}$/, 1, 'sid';

# --- errors
sub is_error {
    my ($method, $path, $body, $status, $code) = @_;
    my ($got, $e) = ask($method, $path, $body);

    is "$got " . ($e->{error}{status} // '') . ' ' . ($e->{error}{code} // ''), "$status $status $code",
        "$method $path" . (defined $body ? ' ' . (ref $body ? encode_json($body) : $body) : '');
    like $e->{request_id}, qr/^[0-9a-f]{32}$/, '... with its number' if $code eq 'PathNotFound';
}
my $servers = '/api/9/http/upstreams/app/servers';
is_error('GET', '/api/10/', undef, 404, 'UnknownVersion');
is_error('GET', '/api/0/', undef, 404, 'UnknownVersion');
is_error('GET', '/api/9/nowhere', undef, 404, 'PathNotFound');
is_error('GET', '/api/9/http/upstreams/nobody', undef, 404, 'UpstreamNotFound');
is_error('GET', '/api/9/http/upstreams/static', undef, 400, 'UpstreamStatic');
is_error('GET', "$servers/99", undef, 404, 'UpstreamServerNotFound');
is_error('GET', "$servers/x", undef, 400, 'UpstreamBadServerId');
is_error('DELETE', "$servers/99", undef, 404, 'UpstreamServerNotFound');
is_error('POST', '/read/9/http/upstreams/app/servers', { server => '127.0.0.1:1' }, 405, 'MethodDisabled');
is_error('DELETE', '/read/9/http/upstreams/app', undef, 405, 'MethodDisabled');
is_error('DELETE', '/api/9/nginx', undef, 405, 'MethodDisabled');
is_error('POST', $servers, '{', 415, 'JsonError');
is_error('POST', $servers, '[]', 415, 'JsonError');
is_error('POST', $servers, '', 415, 'JsonError');
is_error('POST', $servers, '[' x 5000, 415, 'JsonError');
is_error('POST', $servers, '{"server":"127.0.0.1:1","server":"127.0.0.1:2"}', 415, 'JsonError');
is_error('POST', $servers, {}, 400, 'UpstreamConfFormatError');
is_error('POST', $servers, $_, 400, 'UpstreamBadAddress')
    for { server => '127.0.0.1:99999' }, { server => 7 }, { server => "127.0.0.1:1;}" }, { server => '1.1.1.1 down' },
        { server => '@app' }, { server => "127.0.0.1:1\n2 127.0.0.2" }, { server => 'a' x 600 };
is_error('POST', $servers, { server => 'name.example:80' }, 400, 'UpstreamConfNoResolver');
is_error('POST', $servers, { server => '127.0.0.1:1', @$_ }, 400, 'UpstreamConfFormatError')
    for [weight => '3'], [down => 'yes'], [nothing => 1], [max_fails => 1.5], [route => {}], [weight => [1]];
for my $p ([weight => 0, 'Weight'], [weight => -1, 'Weight'], [weight => 1e10, 'Weight'], [max_conns => -1, 'MaxConns'],
           [max_fails => 1e10, 'MaxFails'], [route => 'a b', 'Route'], [route => 'x' x 40, 'Route'],
           [fail_timeout => 'soon', 'FailTimeout'], [slow_start => '-1s', 'SlowStart'], [service => 'a;', 'Service']) {
    is_error('POST', $servers, { server => '127.0.0.1:1', $p->[0] => $p->[1] }, 400, "UpstreamBad$p->[2]");
}
is_error('POST', '/api/9/http/upstreams/hashed/servers', { server => '127.0.0.1:1', backup => JSON::PP::true }, 400,
         'UpstreamNoBackup');
is scalar @{ get($servers) }, 2, 'nothing has changed';

# --- changes
my ($status, $new, $r) = ask('POST', $servers, { server => "127.0.0.1:$port{c}", weight => 3, fail_timeout => '20s' });
is $status, 201, 'a server is added';
is $r->header('Location'), "http://localhost:" . $t->port . "$servers/2", 'where it is'
    if ($r->header('Location') // '') =~ /^http/;
is_deeply [@$new{qw(id server weight fail_timeout)}], [2, "127.0.0.1:$port{c}", 3, '20s'], 'it';
is who(12), 'aabbbbcccccc', 'in all workers at once';
($status, $new) = ask('PATCH', "$servers/2", { down => JSON::PP::true });
is "$status $new->{down}", '200 1', 'it is down';
is who(6), 'aabbbb', '... for all';
is get('/api/9/http/upstreams/app')->{peers}[2]{state}, 'down', '... and says so';
($status, $new) = ask('PATCH', "$servers/2", { down => JSON::PP::false, weight => 1 });
is who(8), 'aabbbbcc', 'it is up again, with another weight';
($status, $new) = ask('PATCH', "$servers/1", { drain => JSON::PP::true });
is get('/api/9/http/upstreams/app')->{peers}[1]{state}, 'draining', 'drained';
is who(4), 'aacc', 'nobody comes any more';
my $requests = get('/api/9/http/upstreams/app')->{peers}[0]{requests};

sub reload {
    my ($word, @more) = @_;

    $t->conf(conf($word, @more));
    $t->signal('HUP');
    ok wait_until(sub { $t->get('/word')->body eq $word }), "reload: $word";
}
reload('w1');
is who(4), 'aacc', 'a reload changes nothing';
is get('/api/9/http/upstreams/app')->{peers}[0]{requests}, $requests + 2, '... and forgets nothing';
($status, $new) = ask('DELETE', "$servers/0");
is "$status " . join(' ', map { $_->{id} } @$new), '200 1 2', 'a server is removed';
is who(3), 'ccc', '... from all workers';
($status, $new) = ask('POST', $servers, { server => "127.0.0.1:$port{d}" });
is $new->{id}, 3, 'a number is never given twice';
is who(4), 'ccdd', 'it is used';
is((ask('DELETE', '/api/9/http/upstreams/app'))[0], 204, 'statistics are deleted');
is get('/api/9/http/upstreams/app')->{peers}[1]{requests}, 0, '... and begin anew';
reload('w2', 'server 127.0.0.1:%%PORT_b%%;');
is who(3), 'bbb', 'another configuration counts again';

# --- a zone that is full
{
    my $tiny = '/api/9/http/upstreams/tiny/servers';
    my (@added, $status, $got);

    $t->expect_log(qr/No such file|zone "tiny" is full|temporarily disabled/);
    ask('PATCH', "$tiny/1", { down => JSON::PP::true });
    is get("$tiny/1")->{server}, 'unix:' . $t->path('a b'), 'a path with a blank';
    for my $i (1 .. 400) {
        ($status, $got) = ask('POST', $tiny, { server => "127.0.0.1:$port{b}", weight => $i });
        last if $status != 201;
        push @added, $got->{id};
    }
    is $got->{error}{code}, 'UpstreamOutOfMemory', 'a zone is full after ' . @added . ' servers';
    is scalar @{ get($tiny) }, @added + 2, 'what there was is there';
    is $t->get('/tiny/')->status, 200, 'and serves' for 1 .. 3;
    is scalar(grep { (ask('DELETE', "$tiny/$_"))[0] != 200 } @added), 0, 'they can be removed';
    is who(4, '/tiny/'), 'aaaa', 'one is left';
    is((ask('POST', $tiny, { server => "127.0.0.1:$port{c}" }))[0], 201, 'there is room again');
    is who(4, '/tiny/'), 'aacc', '... for another';
    is get('/api/9/http/upstreams/tiny')->{peers}[2]{requests}, 2, '... which all count';
}

# --- state
my $kept = '/api/9/http/upstreams/kept/servers';
$t->expect_log(qr/no live upstreams/);
is $t->get('/kept/')->status, 502, 'there is no server';
ask('POST', $kept, { server => "127.0.0.1:$port{a}" });
ask('POST', $kept, { server => "127.0.0.1:$port{b}", weight => 2, route => 'x', max_conns => 5 });
ask('POST', $kept, { server => "127.0.0.1:$port{c}", down => JSON::PP::true });
is who(6, '/kept/'), 'aabbbb', 'there are some';
is $t->read('state/kept.conf'),
    "server 127.0.0.1:$port{a};\nserver 127.0.0.1:$port{b} weight=2 max_conns=5 route=x;\nserver 127.0.0.1:$port{c} down;\n",
    'the file';
$t->stop;
$t->write("state/kept.conf.$_", 'half') for 4194304, $$, 'old';
$t->run(conf('w3'));
ok wait_until(sub { !-e $t->path('state/kept.conf.4194304') }), 'what a process left behind that was killed goes';
ok -e $t->path("state/kept.conf.$_"), '... but nothing else' for $$, 'old';
$t->expect_log(qr/./);
is who(6, '/kept/'), 'aabbbb', 'after a restart';
is get($kept)->[2]{down}, JSON::PP::true, '... as it was';
reload('w4');
is scalar @{ get($kept) }, 3, 'after a reload';

# many at once: nothing is lost
my @pids = map {
    my $n = $_;
    my $pid = fork;
    if (!$pid) {
        my $bad = 0;
        for my $i (1 .. 10) {
            my ($s) = ask('POST', $kept, { server => "127.0.1.$n:" . (1000 + $i), down => JSON::PP::true });
            $bad++ if $s != 201;
        }
        POSIX::_exit($bad);
    }
    $pid;
} 1 .. 4;
my $bad = 0;
for (@pids) { waitpid $_, 0; $bad += $? >> 8 }
is $bad, 0, 'four write at once';
my $list = get($kept);
is scalar @$list, 43, 'nothing is lost';
my %ids = map { $_->{id} => 1 } @$list;
is scalar keys %ids, 43, 'each has a number of its own';
is scalar(() = $t->read('state/kept.conf') =~ /^server .*;$/mg), 43, 'the file has all';

# kill -9 in the middle
sub whole {
    return 43 == grep { /^server \S+( \S+)*;$/ } split /\n/, $t->read('state/kept.conf');
}
sub keep_writing {
    my $writer = fork // die "fork: $!\n";
    return $writer if $writer;
    for my $i (1 .. 400) {
        eval { ask('PATCH', "$kept/$list->[1]{id}", { weight => 1 + $i % 50 }) };
    }
    POSIX::_exit(0);
}
my $writer = keep_writing();
for (1 .. 6) {
    my $end = Time::HiRes::time() + 0.05;
    my ($all, $good) = (0, 0);
    while (Time::HiRes::time() < $end || $all < 100) {
        $all++;
        $good += whole();
    }
    my @workers = $t->worker_pids;
    kill 'KILL', $workers[rand @workers] if @workers;
    is $good, $all, 'the file is whole, whenever one looks';
}
kill 'KILL', $writer;
waitpid $writer, 0;
ok wait_until(sub { eval { (ask('PATCH', "$kept/$list->[1]{id}", { weight => 2 }))[0] == 200 } }), 'who lives can write';
is scalar @{ get($kept) }, 43, 'and all are there';

# all processes at once, the master, too
$writer = keep_writing();
select undef, undef, undef, 0.1;
my @all = ($t->pid, $t->worker_pids);
kill 'KILL', @all;
kill 'KILL', $writer;
waitpid $writer, 0;
ok whole(), 'a file of a server that is gone is whole';
ok wait_until(sub { !grep { kill 0, $_ } @all[1 .. $#all] }), 'its workers are, too';
$t->run(conf('w5'));
$t->expect_log(qr/./);
is scalar @{ get($kept) }, 43, 'and read by the next one';

# --- a worker that ends is counted
my $before = get('/api/9/processes')->{respawned};
$t->expect_log(qr/exited on signal 9/);
kill 'KILL', ($t->worker_pids)[0];
ok Weir::Test::wait_until(sub {
    return eval { get('/api/9/processes')->{respawned} == $before + 1 };
}, 20), 'a worker that was started again is counted';

# --- configurations
for my $p (['upstream u { state f; server 127.0.0.1; zone z 64k; }', '"server" and "state" are incompatible in F:1'],
           ['upstream u { state f; }', '"state" requires "zone" in F:1'],
           ['server { location / { api write=maybe; } }', 'invalid parameter "write=maybe" in F:1']) {
    is conf_test("events {} http { $p->[0] }")->{first}, $p->[1], $p->[0];
}
my $c = conf_test('events {} http { upstream u { state f; zone z 64k; } }', files => { f => "server 127.0.0.1 weight=x;\n" });
like $c->{first}, qr/^invalid server in ".*f":1 in F:1$/, 'a broken file';
is conf_test("events {} http { upstream u { state $_->[0]; zone z 64k; } }")->{first},
    qq(open() "$_->[0]" failed in F:1), "no file: $_->[1]"
    for [$t->path('state'), 'a directory'], [fifo(), 'a pipe'];
for my $p (['', 1], ['deny all;', 0], ['auth_basic x; auth_basic_user_file f;', 0],
           ['limit_except GET { deny all; }', 0], ['limit_except GET PUT { deny all; }', 0],
           ['limit_except GET PATCH { deny all; }', 1], ['limit_except GET { proxy_pass http://127.0.0.1; }', 1],
           ['location /deeper { limit_except GET { deny all; } }', 1],
           ['if ($remote_addr != 10.0.0.1) { return 403; }', 0], ['if ($arg_a) { return 204; }', 1],
           ['location /deeper { if ($arg_a) { return 403; } }', 1], ['', 0, 'listen unix:/tmp/s;'],
           ['', 0, 'listen 127.0.0.1:81; listen [::1]:81;'], ['', 1, 'listen 127.0.0.1:81; listen 82;']) {
    my $r = conf_test(join('', 'events {} http { server { ', $p->[2] // '', " location / { $p->[0] api write=on; } } }"),
        files => { f => '' });
    is scalar(() = $r->{err} =~ /\[warn\] anybody can change upstreams through "api" in/), $p->[1], "warned: $p->[0]" . ($p->[2] // '');
}

done_testing;
