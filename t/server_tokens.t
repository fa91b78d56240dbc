# SPDX-License-Identifier: BSD-2-Clause
#
# server_tokens: what the server says of itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new->run(<<'EOC');
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location /on { server_tokens on; return 404; }
        location /off { server_tokens off; return 404; }
        location /build { server_tokens build; return 404; }
        location /default { return 404; }
        location /redirect { server_tokens off; return 301 /x; }
        location /up { server_tokens off;
                       proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /pass { proxy_pass_header Server;
                         proxy_pass http://127.0.0.1:%%PORT_up%%; }
    }
    server { listen 127.0.0.1:%%PORT_up%%; add_header X-Up up; return 200 up; }
}
EOC

my $version = 'nginx/' . server_version();
my %server = (on => $version, default => $version, off => 'nginx',
              redirect => 'nginx', up => 'nginx');
for my $name (sort keys %server) {
    my $r = $t->get("/$name");
    is $r->header('Server'), $server{$name}, "$name: Server";
    like $r->body, qr{<hr><center>\Q$server{$name}\E</center>}, "$name: page"
        if $name ne 'up';
}
like $t->get('/build')->header('Server'), qr{^\Q$version\E(?: \(.+\))?$},
    'build: Server';
is scalar(() = $t->get('/up')->headers('Server')), 1,
    'one Server field of a proxied response';
is $t->get('/pass')->header('Server'), $version, 'proxy_pass_header Server';

done_testing;
