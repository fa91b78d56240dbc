# SPDX-License-Identifier: BSD-2-Clause
#
# api, as clients of the commercial edition use it: the requests, and what they
# insist on in responses, of the library for Go from which ingress controllers
# and exporters are made.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Weir::Test;

plan skip_all => 'commercial' if is_oracle();
plan skip_all => 'built without jansson'
    if (run_binary('doc', 'api'))[1] !~ /Syntax/;

my $t = Weir::Test->new;
$t->mkdir('state');
chmod 0777, $t->path('state');
$t->run(<<"EOC");
%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    upstream app { zone app 128k; state state/app.conf; }
    upstream fixed { server 127.0.0.1:1; }
    server { listen 127.0.0.1:%%PORT%%; location /api { api write=on; allow 127.0.0.1; deny all; } }
}
EOC

my $base = '/api/9';

# call($method, $path, $body): (status, decoded body)
sub call {
    my ($method, $path, $body) = @_;
    my @more = defined $body
        ? (body => encode_json($body), headers => ['Content-Type' => 'application/json']) : ();
    my $r = $t->request($method, "$base/$path", @more);
    return ($r->status, length $r->body ? decode_json($r->body) : undef, $r);
}
sub get { my ($status, $got) = call('GET', $_[0]); return $status == 200 ? $got : die "$_[0]: $status\n" }
sub is_refused {
    my ($method, $path, $body, $status, $code) = @_;
    my ($got, $e) = call($method, $path, $body);
    is "$got $e->{error}{status} $e->{error}{code}", "$status $status $code", "$method $path: $code";
    ok length $e->{error}{text} && $e->{request_id} =~ /^[0-9a-f]{32}$/ && $e->{href} =~ m{^https://},
        '... with its text, number and link';
}

# ---- a client is made: the versions, and whether its own is one of them

is_deeply decode_json($t->get('/api/')->body), [1 .. 9], 'versions';
is $t->get('/api/')->header('Content-Type'), 'application/json', '... as JSON';

# ---- servers, as it compares those that there are with those wanted

sub servers { return @{ get('http/upstreams/app/servers') } }
my %preset = (weight => 1, max_conns => 0, max_fails => 1, fail_timeout => '10s', slow_start => '0s',
              backup => JSON::PP::false, down => JSON::PP::false);

# What it leaves out, it takes for the preset.
sub is_same {
    my ($is, $wanted) = @_;
    return !grep { encode_json([$is->{$_}]) ne encode_json([$wanted->{$_} // $preset{$_}]) } keys %preset;
}
sub update {
    my @wanted = @_;
    my @is = servers();
    my %n = (added => 0, deleted => 0, updated => 0);

    for my $w (@wanted) {
        my ($it) = grep { $_->{server} eq $w->{server} } @is;
        if (!$it) {
            my ($status, $got, $r) = call('POST', 'http/upstreams/app/servers/', $w);
            die "added: $status\n" if $status != 201 || !$r->header('Location');
            $n{added}++;
        } elsif (!is_same($it, $w)) {
            my ($status) = call('PATCH', "http/upstreams/app/servers/$it->{id}", { %preset, %$w });
            die "updated: $status\n" if $status != 200;
            $n{updated}++;
        }
    }
    for my $it (@is) {
        next if grep { $_->{server} eq $it->{server} } @wanted;
        my ($status) = call('DELETE', "http/upstreams/app/servers/$it->{id}");
        die "deleted: $status\n" if $status != 200;
        $n{deleted}++;
    }
    return "$n{added} $n{deleted} $n{updated}";
}
my @three = map { { server => "127.0.0.$_:80" } } 1 .. 3;
is_deeply [servers()], [], 'no servers';
is update(@three), '3 0 0', 'three are added';
is update(@three), '0 0 0', '... and are as they should be';
is update(@three[0, 1], { server => '127.0.0.4:80', weight => 3, fail_timeout => '5s' }), '1 1 0',
    'one is replaced';
is update(@three[0, 1], { server => '127.0.0.4:80', weight => 2, max_fails => 4, max_conns => 7,
                          down => JSON::PP::true }), '0 0 1', 'one is changed';
my ($last) = (servers())[-1];
is_deeply [@$last{qw(id server weight max_fails max_conns fail_timeout down)}],
    [3, '127.0.0.4:80', 2, 4, 7, '10s', JSON::PP::true], '... to what was asked for';
is update(@three[0, 1], { server => '127.0.0.4:80', slow_start => '10s', backup => JSON::PP::true }), '0 0 1',
    'all kinds of parameters';
is update(@three), '1 1 0', 'and back';

# Members without a value are as if they were not there.
my ($status, $new) = call('POST', 'http/upstreams/app/servers',
    { server => '127.0.0.9:80', weight => undef, max_conns => undef, backup => undef, down => undef,
      route => '', service => '', fail_timeout => undef, drain => JSON::PP::false });
is $status, 201, 'null is no value';
ok is_same($new, {}), '... but the preset';
is((call('PATCH', "http/upstreams/app/servers/$new->{id}", { drain => JSON::PP::true }))[1]{drain},
   JSON::PP::true, 'one is drained');
is update(), '0 4 0', 'all are deleted';

# ---- errors, which it tells apart by their code

is_refused('GET', 'http/upstreams/nobody/servers', undef, 404, 'UpstreamNotFound');
is_refused('POST', 'http/upstreams/nobody/servers/', { server => '127.0.0.1:1' }, 404, 'UpstreamNotFound');
is_refused('GET', 'http/upstreams/fixed/servers', undef, 400, 'UpstreamStatic');
is_refused('DELETE', 'http/upstreams/app/servers/77', undef, 404, 'UpstreamServerNotFound');
is_refused('PATCH', 'http/upstreams/app/servers/77', { weight => 2 }, 404, 'UpstreamServerNotFound');
is_refused('POST', 'http/upstreams/app/servers/', { server => 'no.such.name' }, 400, 'UpstreamConfNoResolver');
is_refused('POST', 'http/upstreams/app/servers/', { server => '127.0.0.1:1', weight => 0 }, 400,
           'UpstreamBadWeight');
is_refused('GET', 'http/keyvals/none', undef, 404, 'KeyvalNotFound');
is_refused('GET', 'stream/zone_sync', undef, 404, 'PathNotFound');

# ---- statistics: what the lists of endpoints name can be asked for

my @ends = @{ get('') };
ok !(grep { my $end = $_; !eval { get($end); 1 } } @ends), 'each endpoint answers';
for my $part (qw(http stream)) {
    ok scalar(grep { $_ eq $part } @ends), $part;
    ok !(grep { my $end = $_; !eval { ref get("$part/$end") eq 'HASH' } } @{ get($part) }),
        '... and each of its own, with an object';
}
is ref get('http/upstreams')->{app}{peers}, 'ARRAY', 'upstreams have peers';
is((call('DELETE', $_))[0], 204, "$_ is reset") for qw(connections http/requests processes http/upstreams/app);

done_testing;
