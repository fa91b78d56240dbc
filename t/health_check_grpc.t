# SPDX-License-Identifier: BSD-2-Clause
#
# health_check type=grpc: the health service of gRPC, as npm's @grpc/grpc-js has
# it, plain and over TLS, over connections that are kept and that end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Weir::H2Peer;
use Weir::Node;
use Weir::Test;
use Weir::TLS;

plan skip_all => 'not in nginx without a subscription' if is_oracle();
plan skip_all => 'built without grpc' if !has_module('http_grpc');
need_node('@grpc/grpc-js');
need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue('up', by => 'ca', names => ['up.test']);

my $state = $t->write('state', '{}');
my $notes = $t->write('notes', '');
sub say_that {
    my (%how) = @_;
    my $new = $t->write('state.new', encode_json(\%how));
    rename $new, $state or die "rename: $!\n";
}
sub calls { my ($word) = @_; return grep { /\Q$word\E/ } split /\n/, $t->read('notes') }

say_that('' => 1, shop => 1);
{
    local $ENV{STATE} = $state;
    local $ENV{NOTES} = $notes;
    start_instance('grpc_health.js', plain => $t->port('plain'));
    {
        local $ENV{AGE} = 700;
        start_instance('grpc_health.js', old => $t->port('old'));
    }
    local $ENV{KEY} = $pki->path('up.key');
    local $ENV{CERT} = $pki->path('up.pem');
    start_instance('grpc_health.js', secure => $t->port('secure'));
}
start_instance('grpc_health.js', none => $t->port('none')); # has no such service
# Has much to say between two questions, to begin with.
my $chatty = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    $p->head($s->{id}, 0, ':status' => 200);
    $p->data($s->{id}, "\0\0\0\0\2\x08\1");
    $p->head($s->{id}, 1, 'grpc-status' => 0);
    $p->raw(Weir::H2Peer::bytes(PING => 0, 0, 'x' x 8) x 8000) if $p->number == 1;
});
my $deaf = Weir::Backend->http(sub { return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" });

# name => what follows "health_check interval=200ms type=grpc"
my %groups = (
    whole  => ['plain', ''],
    shop   => ['plain', 'grpc_service=shop'],
    other  => ['plain', 'grpc_service=none.such'],
    late   => ['plain', 'grpc_service=late mandatory'],
    kept   => ['plain', 'keepalive_time=60s'],
    aged   => ['old', 'keepalive_time=60s'],
    secure => ['secure', 'grpc_service=shop'],
    wrong  => ['secure', ''],
    none   => ['none', ''],
    fine   => ['none', 'grpc_status=12'],
    named  => ['none', 'grpc_status=UNIMPLEMENTED'],
    hung   => ['plain', 'grpc_service=slow'],
    deaf   => ['deaf', ''],
    chatty => ['chatty', 'keepalive_time=60s'],
    dead   => ['dead', ''],
    tcp    => ['none', 'type=tcp'],
);
my %ports = (deaf => $deaf->port, chatty => $chatty->port, dead => $t->port('dead'));
my $upstreams = join '', map {
    my $port = $ports{ $groups{$_}[0] } // $t->port($groups{$_}[0]);
    "upstream $_ { zone $_ 64k; server 127.0.0.1:$port; }\n"
} sort keys %groups;
my $locations = join '', map {
    my ($to, $words) = @{ $groups{$_} };
    my $scheme = $to eq 'secure' ? 'grpcs' : 'grpc';
    my $name = $_ eq 'wrong' ? 'else.test' : 'up.test';
    $words = "type=grpc $words" if $words !~ /type=/;
    "location /$_ { grpc_pass $scheme://$_; grpc_ssl_name $name;
     grpc_set_header Host $_.test; grpc_set_header X-Who me;
     health_check interval=200ms $words; }\n"
} sort keys %groups;

$t->expect_log(qr/peer is unhealthy/);
$t->run(<<"EOC");
%%HTTP%%
    grpc_ssl_trusted_certificate %%TESTDIR%%/tls/ca.pem;
    grpc_ssl_verify on;
    grpc_read_timeout 1s;
$upstreams
    server {
        listen 127.0.0.1:%%PORT%%;
        location /api { api; }
$locations
    }
}
EOC

sub peer {
    my ($name) = @_;
    my $all = decode_json($t->get("/api/9/http/upstreams/$name")->body);
    return $all->{peers}[0];
}
sub becomes {
    my ($name, $wanted) = @_;
    my $p;
    ok wait_until(sub {
        $p = peer($name);
        return $p->{health_checks}{checks} > 0 && $p->{state} eq $wanted;
    }), "$name is $wanted" or diag encode_json($p);
}
sub says {
    my ($name, $reason) = @_;
    becomes($name, 'unhealthy');
    ok $t->wait_log(qr/peer is unhealthy while .*"$name": $reason/), "... $reason";
}

# ---- what is well

becomes($_, 'up') for qw(whole shop kept aged secure fine named tcp);
my ($call) = calls('shop.test');
is $call =~ s/ \S+$//r, 'shop.test me 0a0473686f70', 'asked as the location asks';
is((calls('whole.test'))[0] =~ s/ \S+$//r, 'whole.test me ', '... for no service');

# ---- what is not

says('other', '5');
says('none', '12');
says('hung', '5');
says('dead', 'connect\(\) failed \(111: ');
becomes('wrong', 'unhealthy');
ok $t->wait_log(qr/"wrong": the certificate does not match "else.test"/),
    '... for its certificate';
becomes('deaf', 'unhealthy');
is peer('late')->{state}, 'checking', 'mandatory: not before it has passed'
    if peer('late')->{health_checks}{checks} == 0;
says('late', '5');

# ---- one after the other

say_that('' => 2, shop => 1, late => 1, slow => 1);
becomes('late', 'up');
says('whole', 'NOT_SERVING');
becomes('kept', 'unhealthy');
becomes('shop', 'up');
becomes('hung', 'up');
say_that('' => 2, shop => 1, slow => 'hang');
says('hung', 'timed out');
say_that('' => 1, shop => 'error 14', slow => 1);
becomes($_, 'up') for qw(whole kept hung);
says('shop', '14');
for my $how (['garbage', 'the message is invalid'], ['empty', 'UNKNOWN'],
             [3, 'SERVICE_UNKNOWN'], [99, 'another one']) {
    say_that('' => 1, shop => 1);
    becomes('shop', 'up');
    say_that('' => 1, shop => $how->[0]);
    says('shop', $how->[1]);
}
say_that('' => 1, shop => 1);
becomes('shop', 'up');

# ---- connections that are kept

my %seen = map { (/ (\S+)$/ => 1) } (calls('kept.test'))[-4 .. -1];
is scalar keys %seen, 1, 'keepalive_time: over one connection';
%seen = map { (/ (\S+)$/ => 1) } (calls('whole.test'))[-4 .. -1];
is scalar keys %seen, 4, '... and without it, one for each';
becomes('aged', 'up');
my $before = peer('aged')->{health_checks};
ok wait_until(sub { peer('aged')->{health_checks}{checks} > $before->{checks} + 12 }, 20),
    'a server that ends connections (GOAWAY)';
is peer('aged')->{health_checks}{fails}, $before->{fails}, '... never fails';

ok wait_until(sub { $chatty->connections > 1 }), 'much that comes between questions: a new connection';
cmp_ok scalar Weir::H2Peer::frames($chatty, 'PING'), '<', 8000, '... and no answer to all of it';
$before = peer('chatty')->{health_checks};
ok wait_until(sub { peer('chatty')->{health_checks}{checks} > $before->{checks} + 4 }), '... which is kept';
is $chatty->connections, 2, '... for what it is';
is peer('chatty')->{health_checks}{fails}, 0, '... and never fails';

# ---- the server goes and comes back

kill_instance('plain');
says('whole', 'connect\(\) failed \(111: ');
becomes('kept', 'unhealthy');
{
    local $ENV{STATE} = $state;
    start_instance('grpc_health.js', plain2 => $t->port('plain'));
}
becomes($_, 'up') for qw(whole kept);

# ---- configuration

for (['proxy_pass http://127.0.0.1:1; health_check type=grpc;',
      '"health_check" needs a "grpc_pass" to an upstream in its location'],
     ['grpc_pass 127.0.0.1:1; health_check;',
      '"health_check" needs a "proxy_pass" to an upstream in its location'],
     ['grpc_pass 127.0.0.1:1; health_check uri=/x type=grpc;', '"uri" needs "type=http"'],
     ['grpc_pass 127.0.0.1:1; health_check match=x type=grpc;', '"match" needs "type=http"'],
     ['proxy_pass http://127.0.0.1:1; health_check grpc_service=x;', '"grpc_service" needs "type=grpc"'],
     ['proxy_pass http://127.0.0.1:1; health_check grpc_status=12;', '"grpc_status" needs "type=grpc"'],
     (map { ["grpc_pass 127.0.0.1:1; health_check type=grpc $_;", qq(invalid parameter "$_")] }
      'grpc_service=', 'grpc_status=0', 'grpc_status=17', 'grpc_status=NONE', 'type=h2'))
{
    my $r = conf_test("events { }\nhttp { server { listen 127.0.0.1:1;\n"
                      . "location / { $_->[0] } } }\n");
    is $r->{lines}[0], "nginx: [emerg] $_->[1] in F:3", $_->[0];
}

done_testing;
