# SPDX-License-Identifier: BSD-2-Clause
#
# ntlm: a connection to a server belongs to one connection of a client, and
# brings its requests to that server.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

plan skip_all => 'commercial' if is_oracle();

my $t = Weir::Test->new;

# As NTLM: who has sent the last part of a handshake is known from then on, by
# the connection.
my %user;
my @b = map {
    my $name = $_;
    Weir::Backend->http(sub {
        my ($request, $c) = @_;
        my ($who) = ($request->header('Authorization') // '') =~ /^NTLM (\w+)/;

        $user{$$} = $who if $who;
        my $body = $name . ':' . ($user{$$} // 'nobody');
        return "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    })
} 'a', 'b';
my ($p, $q) = map { $_->port } @b;

$t->run(<<"EOC");
%%GLOBALS%%
worker_processes 1;
events {}
http {
    %%GLOBALS_HTTP%%
    upstream u { server 127.0.0.1:$p; server 127.0.0.1:$q; keepalive 8; ntlm; }
    upstream s { sticky cookie srv; server 127.0.0.1:$p route=p; server 127.0.0.1:$q route=q; keepalive 8; ntlm; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://u; proxy_set_header Connection ''; proxy_http_version 1.1; }
        location /s { proxy_pass http://s; proxy_set_header Connection ''; proxy_http_version 1.1; }
    }
}
EOC

sub body { my ($c, @a) = @_; return $c->get(@a)->body }

my ($one, $two) = map { $t->connect } 1, 2;
my $first = body($one, '/', headers => [Authorization => 'NTLM joe']);
like $first, qr/^[ab]:joe$/, 'one logs in';
is join(' ', map { body($one, '/') } 1 .. 3), join(' ', ($first) x 3),
    'and stays with the server and the connection';
my $other = body($two, '/', headers => [Authorization => 'NTLM ann']);
like $other, qr/^[ab]:ann$/, 'another one logs in';
is body($one, '/') . body($two, '/'), $first . $other, 'they are not mixed up';
like body($t->connect, '/'), qr/:nobody$/, 'nor does a third get their connections'
    for 1 .. 4;

my $c = $t->connect;
my $s = body($c, '/s', headers => [Authorization => 'NTLM eve', Cookie => 'srv=q']);
is $s, 'b:eve', 'with sticky';
is body($c, '/s', headers => [Cookie => 'srv=q']), 'b:eve', '... too';

is conf_test('events {} http { upstream u { server 127.0.0.1; ntlm; ntlm; } }')->{first},
    '"ntlm" directive is duplicate in F:1', 'twice';

done_testing;
