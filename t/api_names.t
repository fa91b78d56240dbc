# SPDX-License-Identifier: BSD-2-Clause
#
# api: servers that are names, added while requests are served: looked up at once
# and by their TTL in all workers, their addresses shown below them, kept in the
# state, and gone with their line.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Weir::DNS;
use Weir::Test;

plan skip_all => 'commercial' if is_oracle();
plan skip_all => 'built without jansson'
    if (run_binary('doc', 'api'))[1] !~ /Syntax/;

my $t = Weir::Test->new;
$t->mkdir('state');
chmod 0777, $t->path('state');
my $dns = Weir::DNS->new($t);
my $up = Weir::Ports::free_port();
my %backend = map {
    my $n = $_;
    ($n => Weir::Backend->http(sub {
        return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$n";
    }, host => "127.0.0.$n", port => $up));
} 1, 2, 3;

$dns->set('one.test' => ['A 1 127.0.0.1'],
          'two.test' => ['A 1 127.0.0.1', 'A 1 127.0.0.2'],
          'conf.test' => ['A 1 127.0.0.3'], 'fail.test' => ['rcode 2'],
          'many.test' => [map { "A 1 127.0.1.$_" } 1 .. 120],
          '_web._tcp.srv.test' => ["SRV 1 10 3 $up h1.test",
                                   "SRV 1 10 1 $up h2.test",
                                   "SRV 1 20 1 $up h3.test"],
          (map { ("h$_.test" => ["A 60 127.0.0.$_"]) } 1 .. 3));

sub conf {
    my ($word) = @_;
    return <<"EOC";
%%GLOBALS%%
worker_processes 3;
events { }
http {
    %%GLOBALS_HTTP%%
    resolver @{[ $dns->address ]} ipv6=off;
    resolver_timeout 1s;
    upstream app { zone app 128k; server 127.0.0.3:$up; }
    upstream named { zone named 128k; server conf.test:$up resolve; }
    upstream small { zone small 32k; server 127.0.0.3:$up; }
    upstream kept { zone kept 128k; state state/kept.conf; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /word { return 200 $word; }
        location /api { api write=on; allow 127.0.0.1; deny all; }
        location ~ ^/to/(?<group>\\w+) { proxy_pass http://\$group; }
    }
}
EOC
}
$t->run(conf('w0'));
$t->expect_log(qr/could not be resolved|no live upstreams/);

sub ask {
    my ($method, $path, $body) = @_;
    my $r = $t->request($method, "/api/9/http/upstreams/$path",
                        defined $body ? (body => encode_json($body)) : ());
    return ($r->status, length $r->body ? decode_json($r->body) : undef);
}
sub get { return (ask('GET', @_))[1] }
sub code {
    my ($status, $got) = ask(@_);
    return "$status " . ($got->{error}{code} // '');
}
sub who {
    my ($group, $n) = @_;
    return join '', sort map { my $r = $t->get("/to/$group");
                               $r->status == 200 ? $r->body : '-' } 1 .. $n;
}
# All workers: each has its own turn to see.
sub settles {
    my ($group, $n, $wanted, $what) = @_;
    my $got;
    my $is = wait_until(sub { ($got = who($group, $n)) eq $wanted });
    ok $is, $what or diag "$got, wanted $wanted";
}
# A worker that has not answered yet may learn of the addresses a moment later.
sub soon {
    my ($ask, $wanted, $what) = @_;
    my $got;
    wait_until(sub { ($got = $ask->()) eq $wanted });
    is $got, $wanted, $what;
}
# Whether a name is not asked for, in spite of its TTL of a second.
sub rests {
    my ($name) = @_;
    return wait_until(sub {
        my $n = $dns->asked($name);
        select undef, undef, undef, 1.5;
        return $dns->asked($name) == $n;
    });
}

# ---- a name

my ($status, $new) = ask('POST', 'app/servers', { server => "two.test:$up",
                                                  weight => 2 });
is "$status $new->{id} $new->{server}", "201 1 two.test:$up", 'a name is added';
ok !exists $new->{parent}, '... which has no parent';
settles('app', 10, '1111222233', 'its addresses are used, with its weight');

my @all = @{ get('app/servers') };
@all[2, 3] = sort { $a->{server} cmp $b->{server} } @all[2, 3];
is_deeply [map { $_->{server} } @all],
    ["127.0.0.3:$up", "two.test:$up", "127.0.0.1:$up", "127.0.0.2:$up"],
    'a line, and behind it its addresses';
is_deeply [map { "$_->{parent} $_->{host} $_->{weight}" } @all[2, 3]],
    ['1 two.test 2', '1 two.test 2'], 'their parent';
is_deeply [grep { exists $all[$_]{parent} } 0 .. $#all], [2, 3],
    '... which others do not have';
my ($child, $other) = map { $_->{id} } @all[2, 3];
isnt $child, $other, 'each has an id';
is_deeply get("app/servers/$child"), $all[2], 'one of them' for 1 .. 4;
soon(sub { join ' ', sort map { "$_->{id}=$_->{name}" } @{ get('app')->{peers} } },
     join(' ', sort "0=127.0.0.3:$up", "$child=two.test:$up", "$other=two.test:$up"),
     'peers have the same ids, and the name of the line');
soon(sub { code('PATCH', "app/servers/$child", { down => JSON::PP::true }) },
     '400 UpstreamServerImmutable', 'an address is not changed');
soon(sub { code('DELETE', "app/servers/$child") }, '400 UpstreamServerImmutable',
     '... nor removed');

# ---- changes

$dns->set('two.test' => ['A 1 127.0.0.2']);
settles('app', 6, '222233', 'by its TTL, other addresses');
is_deeply [map { $_->{id} } @{ get('app/servers') }], [0, 1, $other],
    '... which keep their id';
is((ask('PATCH', 'app/servers/1', { weight => 1, down => JSON::PP::false }))[0],
   200, 'the line is changed');
settles('app', 6, '222333', '... with its addresses');
is((ask('PATCH', 'app/servers/1', { server => "one.test:$up" }))[0], 200,
   'another name');
settles('app', 6, '111333', '... is looked up');
is((ask('PATCH', 'app/servers/1', { server => "127.0.0.2:$up" }))[0], 200,
   'an address instead');
settles('app', 6, '222333', '... is used');
my $asked = $dns->asked('one.test');
is((ask('PATCH', 'app/servers/1', { server => "one.test:$up" }))[0], 200,
   'the name again');
settles('app', 6, '111333', '... is looked up again');
ok wait_until(sub { $dns->asked('one.test') > $asked + 1 }), '... and again';

($status, my $left) = ask('DELETE', 'app/servers/1');
is_deeply [map { $_->{id} } @$left], [0], 'its addresses go with it';
is who('app', 6), '333333', '... from all workers';
ok rests('one.test'), 'and it is not asked for any more';

# ---- beside a name of the configuration

is join(' ', map { $_->{parent} // '-' } @{ get('named/servers') }), '- 0',
    'one that was configured has addresses as well';
ask('POST', 'named/servers', { server => "one.test:$up" });
settles('named', 6, '111333', 'one is added');
$dns->set('conf.test' => ['A 1 127.0.0.2']);
settles('named', 6, '111222', 'both are looked up');
$t->conf(conf('w1'));
$t->signal('HUP');
ok wait_until(sub { $t->get('/word')->body eq 'w1' }), 'a reload';
settles('named', 6, '111222', '... forgets neither');
$dns->set('one.test' => ['A 1 127.0.0.3']);
settles('named', 6, '222333', '... and goes on');
$dns->set('one.test' => ['A 1 127.0.0.1']);

# ---- a name of the configuration is looked up as long as a line has it

is((ask('DELETE', 'named/servers/0'))[0], 200, 'it is removed');
settles('named', 4, '1111', '... and not used');
ok rests('conf.test'), '... nor asked for';
$t->conf(conf('w1b'));
$t->signal('HUP');
ok wait_until(sub { $t->get('/word')->body eq 'w1b' }), 'a reload';
ok rests('conf.test'), '... does not ask for it';
($status, my $back) = ask('POST', 'named/servers', { server => "conf.test:$up" });
settles('named', 6, '111222', 'added again');
$dns->set('conf.test' => ['A 1 127.0.0.3']);
settles('named', 6, '111333', '... it is looked up');

# ---- a name with more addresses than the zone has room for

is((ask('POST', 'small/servers', { server => "many.test:$up" }))[0], 201, 'many addresses');
my $full = qr/zone "small" is full: the servers of upstream "small" have states of this process/;
$t->expect_log($full);
ok $t->wait_log($full), '... are told of, if the zone is too small';
$asked = $dns->asked('many.test');
ok wait_until(sub { $dns->asked('many.test') > $asked + 2 }), '... are looked up again';
cmp_ok scalar(grep { $_ =~ $full } $t->log), '<=', 3, '... and told of once in each worker';
is((ask('DELETE', 'small/servers/1'))[0], 200, '... and can be removed');
settles('small', 3, '333', '... when there is room again');

# ---- services

is code('POST', 'kept/servers', { server => 'srv.test:80', service => 'web' }),
    '400 UpstreamBadAddress', 'a service with a port';
is code('POST', 'kept/servers', { server => '127.0.0.1', service => 'web' }),
    '400 UpstreamBadAddress', '... with an address';
is code('POST', 'kept/servers', { server => 'srv.test', service => 'w b' }),
    '400 UpstreamBadService', '... with a blank';
($status, $new) = ask('POST', 'kept/servers', { server => 'srv.test',
                                                service => 'web' });
is "$status $new->{service}", '201 web', 'a service';
settles('kept', 8, '11111122', '... with the weights of its records');
is join(' ', sort map { "$_->{server}/$_->{weight}/" . ($_->{parent} // '-') . '/'
                   . ($_->{backup} ? 'b' : '') } @{ get('kept/servers') }),
    "127.0.0.1:$up/3/0/ 127.0.0.2:$up/1/0/ 127.0.0.3:$up/1/0/b srv.test/1/-/",
    '... which it shows, and the backups';
is code('PATCH', 'kept/servers/0', { service => 'mail' }),
    '400 UpstreamServerImmutable', 'it cannot become another';
is((ask('PATCH', 'kept/servers/0', { service => 'web', max_conns => 9 }))[0],
   200, 'but stay');
$dns->set('_web._tcp.srv.test' => ["SRV 1 20 1 $up h3.test"]);
settles('kept', 4, '3333', 'other records');

# ---- names that are not there

is((ask('POST', 'kept/servers', { server => "$_.test:$up" }))[0], 201,
   "$_.test is taken") for qw(fail later);
ok $t->wait_log(qr/fail\.test could not be resolved \(2: Server failure\)/),
    '... and is logged';
is scalar(grep { exists $_->{parent} } @{ get('kept/servers') }), 1,
    '... and has no addresses';
settles('kept', 4, '3333', '... and harms nobody');
$dns->set('later.test' => ['A 1 127.0.0.1']);
settles('kept', 4, '1133', 'until there is an answer');

# ---- state

is $t->read('state/kept.conf'),
    "server srv.test max_conns=9 resolve service=web;\n"
    . "server fail.test:$up resolve;\nserver later.test:$up resolve;\n",
    'the state has names, not addresses';
$t->stop;
$t->run(conf('w2'));
$t->expect_log(qr/could not be resolved|no live upstreams/);
settles('kept', 4, '1133', 'after a restart');
is code('DELETE', 'kept/servers/99'), '404 UpstreamServerNotFound', 'an unknown id';
for my $id (map { $_->{id} } grep { !exists $_->{parent} } @{ get('kept/servers') }) {
    ask('DELETE', "kept/servers/$id");
}
is_deeply get('kept/servers'), [], 'all are removed';
is who('kept', 2), '--', '... and nobody is asked';

# ---- without a resolver

(my $none = conf('w3')) =~ s/ resolver 127.*?;//;
$none =~ s/ server conf.test.*?;/ server 127.0.0.1:$up;/;
ok $t->reload($none), 'another reload';
is code('POST', 'app/servers', { server => "two.test:$up" }),
    '400 UpstreamConfNoResolver', 'there is no resolver';
is scalar @{ get('app/servers') }, 1, '... and nothing has changed';

done_testing;
