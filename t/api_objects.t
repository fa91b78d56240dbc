# SPDX-License-Identifier: BSD-2-Clause
#
# api: each object has the members that the documentation lists, with their
# types; what it counts is what has happened; DELETE forgets it; a worker that
# dies takes nothing along and leaves nothing behind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use B ();
use JSON::PP;
use Weir::Test;

plan skip_all => 'commercial' if is_oracle();
plan skip_all => 'built without jansson'
    if (run_binary('doc', 'api'))[1] !~ /Syntax/;

my $t = Weir::Test->new;
my $up = Weir::Backend->http(sub {
    my ($r) = @_;
    sleep 2 if $r->uri =~ /slow/;
    return "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 5\r\n\r\nbytes";
});

sub conf {
    my ($word) = @_;
    return <<"EOC";
%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    proxy_cache_path %%TESTDIR%%/cache keys_zone=store:1m max_size=10m;
    limit_req_zone \$arg_k zone=rate:1m rate=1r/m;
    limit_conn_zone \$arg_k zone=few:1m;
    resolver 127.0.0.1:1 status_zone=dns;
    upstream app { zone app 128k; server 127.0.0.1:@{[ $up->port ]} max_conns=9 slow_start=1s;
                   queue 5; keepalive 4; }
    server {
        listen 127.0.0.1:%%PORT%%;
        status_zone front;
        location = /word { return 200 $word; }
        location = / { root %%TESTDIR%%; index none word; }
        location /error { error_page 404 /teapot; }
        location /fallback { try_files /none \@named; }
        location \@named { status_zone named; return 202; }
        location /teapot { status_zone pots; return 418 short; }
        location /off/ { status_zone outer; location /off/in { status_zone off; return 204; } }
        location /moved/ { status_zone moved; rewrite ^ /teapot; }
        location /silent { status_zone pots; return 444; }
        location /up { proxy_pass http://app; }
        location /cached { proxy_pass http://app; proxy_cache store; proxy_cache_valid 1m;
                           proxy_cache_bypass \$arg_b; }
        location /rate { limit_req zone=rate burst=1; proxy_pass http://app; }
        location /rated { limit_req zone=rate; limit_req_dry_run on; proxy_pass http://app; }
        location /few { limit_conn few 1; proxy_pass http://app; }
        location /slow { limit_conn few 1; proxy_pass http://app; }
    }
    server {
        listen 127.0.0.1:%%PORT_api%%;
        location /api { api write=on; allow 127.0.0.1; deny all; }
        location /read { api; }
    }
}
EOC
}
$t->expect_log(qr/limiting|delaying/);
$t->run(conf('w0'));
my $api = $t->port('api');

sub ask {
    my ($method, $path) = @_;
    my $r = $t->request($method, $path, port => $api);
    return ($r->status, length $r->body ? JSON::PP->new->decode($r->body) : undef);
}
sub get { return (ask('GET', "/api/9/$_[0]"))[1] }

# ---- the shape: "int", "str", "bool", "time", a hash of members (? those that
# need not be there), [shape] of a list, '*' any name

my %classes = map { ("${_}xx" => 'int') } 1 .. 5;
my %responses = (%classes, total => 'int');
my %coded = (%responses, codes => { '*' => 'int' });
my %read = (responses => 'int', bytes => 'int');
my %written = (%read, responses_written => 'int', bytes_written => 'int');
my $peer = {
    id => 'int', server => 'str', name => 'str', backup => 'bool', weight => 'int',
    state => 'str', active => 'int', 'ssl?' => 'any', 'max_conns?' => 'int', requests => 'int',
    responses => \%responses, sent => 'int', received => 'int', fails => 'int',
    unavail => 'int', health_checks => { checks => 'int', fails => 'int', unhealthy => 'int',
                                         'last_passed?' => 'bool' },
    downtime => 'int', 'downstart?' => 'time', 'selected?' => 'time',
    'header_time?' => 'int', 'response_time?' => 'int', 'service?' => 'str',
};
my %shapes = (
    nginx => { version => 'str', build => 'str', address => 'str', generation => 'int',
               load_timestamp => 'time', timestamp => 'time', pid => 'int', ppid => 'int' },
    processes => { respawned => 'int' },
    connections => { map { ($_ => 'int') } qw(accepted dropped active idle) },
    slabs => { '*' => { pages => { used => 'int', free => 'int' },
                        slots => { '*' => { map { ($_ => 'int') } qw(used free reqs fails) } } } },
    'http/requests' => { total => 'int', current => 'int' },
    'http/server_zones' => { '*' => { processing => 'int', requests => 'int', responses => \%coded,
                                      discarded => 'int', received => 'int', sent => 'int' } },
    'http/location_zones' => { '*' => { requests => 'int', responses => \%coded,
                                        discarded => 'int', received => 'int', sent => 'int' } },
    'http/caches' => { '*' => { size => 'int', 'max_size?' => 'int', cold => 'bool',
                                (map { ($_ => \%read) } qw(hit stale updating revalidated)),
                                (map { ($_ => \%written) } qw(miss expired bypass)) } },
    'http/limit_conns' => { '*' => { map { ($_ => 'int') } qw(passed rejected rejected_dry_run) } },
    'http/limit_reqs' => { '*' => { map { ($_ => 'int') }
                                    qw(passed delayed rejected delayed_dry_run rejected_dry_run) } },
    'http/upstreams' => { '*' => { peers => [$peer], keepalive => 'int', zombies => 'int',
                                   zone => 'str', 'queue?' => { size => 'int', max_size => 'int',
                                                                overflows => 'int' } } },
    'http/upstreams/app/servers' => [{
        id => 'int', server => 'str', weight => 'int', max_conns => 'int', max_fails => 'int',
        fail_timeout => 'str', slow_start => 'str', route => 'str', backup => 'bool', down => 'bool' }],
    'http/keyvals' => { '*' => 'any' },
    ssl => { (map { ($_ => 'int') } qw(handshakes handshakes_failed session_reuses no_common_protocol
                                       no_common_cipher handshake_timeout peer_rejected_cert)),
             verify_failures => { map { ($_ => 'int') }
                                  qw(no_cert expired_cert revoked_cert hostname_mismatch other) } },
    workers => [{ id => 'int', pid => 'int',
                  connections => { map { ($_ => 'int') } qw(accepted dropped active idle) },
                  http => { requests => { total => 'int', current => 'int' } } }],
    resolvers => { '*' => { requests => { name => 'int', srv => 'int', addr => 'int' },
                            responses => { map { ($_ => 'int') }
                                qw(noerror formerr servfail nxdomain notimp refused timedout unknown) } } },
    (map { ("stream/$_" => { '*' => 'any' }) } qw(server_zones limit_conns keyvals upstreams)),
);

my %is = (
    any => sub { 1 },
    int => sub { !ref $_[0] && (B::svref_2object(\$_[0])->FLAGS & B::SVf_IOK) && $_[0] >= 0 },
    str => sub { !ref $_[0] && !(B::svref_2object(\$_[0])->FLAGS & B::SVf_IOK) },
    bool => sub { JSON::PP::is_bool($_[0]) },
    time => sub { $_[0] =~ /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ },
);

# wrong($value, $shape, $where): what does not fit
sub wrong {
    my ($v, $shape, $where) = @_;
    return $is{$shape}->($v) ? () : "$where is no $shape" if !ref $shape;
    if (ref $shape eq 'ARRAY') {
        return ref $v eq 'ARRAY' ? map { wrong($v->[$_], $shape->[0], "$where\[$_]") } 0 .. $#$v
            : "$where is no list";
    }
    return "$where is no object" if ref $v ne 'HASH';
    return map { wrong($v->{$_}, $shape->{'*'}, "$where.$_") } sort keys %$v if $shape->{'*'};
    my %known = map { (s/\?$//r => $shape->{$_}) } keys %$shape;
    return ((map { exists $v->{$_} || $shape->{"$_?"} ? () : "$where.$_ is missing" } sort keys %known),
            map { $known{$_} ? wrong($v->{$_}, $known{$_}, "$where.$_") : "$where.$_ is unknown" }
            sort keys %$v);
}

# ---- what happens

sub to { return $t->get($_[0])->status }
is to('/teapot'), 418, 'a teapot' for 1 .. 3;
is to('/moved/x'), 418, '... in another place';
is to('/off/in'), 204, 'none in there';
is eval { to('/silent') } // 0, 0, 'no answer';
to("/cached$_") for '', '', '?b=1';
is to('/rate?k=1'), 200, 'within the limit';
is to('/rate?k=2'), 200, '... of another one';
to('/rated?k=3') for 1 .. 2;
is to("/few?k=$_"), 200, 'one connection of a key' for 1 .. 2;
{
    my $c = $t->connect;
    $c->send("GET /slow?k=3 HTTP/1.1\r\nHost: a\r\n\r\n");
    ok wait_until(sub { get('http/limit_conns/few')->{passed} == 3 }), '... that lasts';
    is to('/few?k=3'), 503, '... and another one at once';
    my ($status) = ask('DELETE', '/api/9/http/upstreams/app/servers/0');
    is get('http/upstreams/app')->{zombies}, 1, 'a server that is removed, and in use';
}
$t->request('POST', '/api/9/http/upstreams/app/servers', port => $api,
            body => encode_json({ server => '127.0.0.1:' . $up->port, max_conns => 9 }));
ok wait_until(sub { get('http/upstreams/app')->{zombies} == 0 }), '... is none any more';
{
    my $c = $t->connect;
    $c->send("GET /rate?k=1 HTTP/1.1\r\nHost: a\r\n\r\n"); # delayed
    ok wait_until(sub { get('http/limit_reqs/rate')->{delayed} == 1 }), 'one is delayed';
    is get('http/server_zones/front')->{processing}, 1, '... and is being processed';
    is to('/rate?k=1'), 503, '... and another one is refused';
}
ok wait_until(sub { get('http/server_zones/front')->{processing} == 0 }),
    'a client that leaves is not';

for my $path (sort keys %shapes) {
    my @wrong = wrong(get($path), $shapes{$path}, $path);
    is "@wrong", '', $path;
}
is_deeply get(''), [qw(nginx processes connections slabs http stream resolvers ssl workers)], 'what there is';
is_deeply get('http'), [qw(requests server_zones location_zones caches limit_conns limit_reqs keyvals upstreams)],
    '... of HTTP';

my %front = %{ get('http/server_zones/front') };
is "$front{requests} $front{responses}{'4xx'} $front{responses}{codes}{418}", '19 4 4', 'a server';
is "$front{responses}{codes}{204} $front{responses}{codes}{503}", '1 2', '... and its codes';
is $front{discarded}, 3, '... and what has had no response';
ok $front{received} > 500 && $front{sent} > 1000, '... and bytes';
my %pots = %{ get('http/location_zones/pots') };
is "$pots{requests} $pots{responses}{total} $pots{discarded}", '5 4 1', 'a location: where requests end';
is get("http/location_zones/$_")->{requests}, 0, "... not $_" for qw(moved outer);
is_deeply [@{ get('http/limit_reqs/rate') }{qw(passed delayed rejected delayed_dry_run rejected_dry_run)}],
    [3, 1, 1, 0, 1], 'limit_req';
is_deeply [@{ get('http/limit_conns/few') }{qw(passed rejected rejected_dry_run)}], [3, 1, 0], 'limit_conn';
my $cache = get('http/caches/store');
is_deeply $cache->{hit}, { responses => 1, bytes => 5 }, 'hits';
is_deeply $cache->{$_}, { responses => 1, bytes => 5, responses_written => 1, bytes_written => 5 }, $_
    for qw(miss bypass);
ok $cache->{size} > 0 && $cache->{max_size} == 10 << 20, 'its size';
my $slab = get('slabs/app');
ok $slab->{pages}{used} > 0 && $slab->{pages}{free} > 0, 'pages of a zone';
ok((grep { $_->{used} > 0 && $_->{reqs} >= $_->{used} } values %{ $slab->{slots} }) > 1, '... and slots');

my %pids = map { ($_->{pid} => $_) } @{ get('workers') };
is_deeply [sort keys %pids], [sort $t->worker_pids], 'workers';
my $sum = 0;
$sum += $_->{connections}{accepted} for values %pids;
ok $sum > 10 && $sum < get('connections')->{accepted}, '... whose connections add up';
is get("workers/$_->{id}")->{pid}, $_->{pid}, 'one of them' for values %pids;
is((ask('GET', '/api/9/workers/999'))[1]{error}{code}, 'WorkerNotFound', 'another one');

# ---- a request that goes on elsewhere is one

$t->write('word', '');
# Of requests that have ended: a client may have its response before that.
my $codes = sub {
    my $zone;
    wait_until(sub { ($zone = get('http/server_zones/front'))->{processing} == 0 });
    return $zone->{responses}{codes};
};
for (['/', 200, 'index'], ['/error', 404, 'error_page'], ['/fallback', 202, 'try_files']) {
    my $before = $codes->()->{ $_->[1] } // 0;
    is to($_->[0]), $_->[1], $_->[2];
    is $codes->()->{ $_->[1] }, $before + 1, '... is counted by its server';
}
is get('http/server_zones/front')->{processing}, 0, '... to its end';
is get('http/location_zones/named')->{responses}{codes}{202}, 1, '... and where it ends';

# ---- some of it

is_deeply [sort @{ get('http/location_zones?fields=') }], [qw(moved named outer pots)], 'names alone';
is_deeply [keys %{ get('http/server_zones/front?fields=sent') }], ['sent'], 'a field';
is_deeply [sort keys %{ get('http/caches/store?fields=hit,size') }], [qw(hit size)], 'two';
for (['http/server_zones', 'ServerZoneNotFound'], ['http/location_zones', 'LocationZoneNotFound'],
     ['http/caches', 'CacheNotFound'], ['http/limit_reqs', 'LimitReqNotFound'],
     ['http/limit_conns', 'LimitConnNotFound'], ['http/keyvals', 'KeyvalNotFound'],
     ['slabs', 'SlabNotFound'], ['resolvers', 'ResolverZoneNotFound'], ['stream/zone_sync', 'PathNotFound'])
{
    my ($status, $got) = ask('GET', "/api/9/$_->[0]/nobody");
    is "$status $got->{error}{code}", "404 $_->[1]", "$_->[0]: not there";
}

# ---- over a reload, and when a worker dies

$t->conf(conf('w1'));
$t->signal('HUP');
ok wait_until(sub { $t->get('/word')->body eq 'w1' }), 'a reload';
is get('http/location_zones/pots')->{requests}, 6, '... forgets nothing';
my $c = $t->connect;
$c->send("GET /rate?k=2 HTTP/1.1\r\nHost: a\r\n\r\n");
ok wait_until(sub { get('http/server_zones/front')->{processing} == 1 }), 'a request is under way';
$t->expect_log(qr/exited on signal 9/);
kill 'KILL', $t->worker_pids;
ok wait_until(sub { (eval { get('http/server_zones/front')->{processing} } // 1) == 0 }, 20),
    'when its worker dies, it is not';
is get('http/location_zones/pots')->{requests}, 6, 'what was counted stays';
ok wait_until(sub {
    my $told = eval { join ' ', sort map { $_->{pid} } @{ get('workers') } } // '';
    return $told eq join ' ', sort $t->worker_pids;
}), 'other workers';

# ---- forgetting

for my $path (qw(http/server_zones/front http/location_zones/pots http/caches/store http/limit_reqs/rate
                 http/limit_conns/few slabs/app resolvers/dns connections processes http/requests)) {
    is((ask('DELETE', "/read/9/$path"))[0], 405, "$path is not to be written");
    is((ask('DELETE', "/api/9/$path"))[0], 204, '... but here');
}
is get('http/server_zones/front')->{requests}, 0, 'a server begins anew';
is_deeply get('http/location_zones/pots')->{responses}{codes}, {}, 'a location';
is get('http/caches/store')->{hit}{responses}, 0, 'a cache';
ok get('http/caches/store')->{size} > 0, '... which has what it has';
is get('http/limit_reqs/rate')->{passed}, 0, 'a limit';
is get('processes')->{respawned}, 0, 'processes';
ok get('connections')->{accepted} < 30, 'connections';
ok get('http/requests')->{total} < 30, 'requests';
is((ask('DELETE', '/api/9/nginx'))[0], 405, 'not what counts nothing');

done_testing;
