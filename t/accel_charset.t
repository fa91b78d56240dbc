# SPDX-License-Identifier: BSD-2-Clause
#
# X-Accel-Charset: the upstream's wish in place of the charset directive.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new->run(<<'EOC');
%%HTTP%%
    charset koi8-r;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /off { charset off; proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /never { charset windows-1251; }
        location /ignored {
            proxy_ignore_headers X-Accel-Charset;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
        }
    }
    server {
        listen 127.0.0.1:%%PORT_up%%;
        charset off;
        default_type text/html;
        add_header X-Accel-Charset $arg_c;
        return 200 page;
    }
}
EOC

my %types = (
    '/' => 'text/html; charset=koi8-r',
    '/?c=utf-8' => 'text/html',
    '/?c=off' => 'text/html',
    '/?c=Windows-1251' => 'text/html; charset=Windows-1251',
    '/off?c=windows-1251' => 'text/html; charset=windows-1251',
    '/ignored?c=utf-8' => 'text/html; charset=koi8-r',
);
for my $uri (sort keys %types) {
    my $r = $t->get($uri);
    is $r->header('Content-Type'), $types{$uri}, "$uri: Content-Type";
    is $r->header('X-Accel-Charset'), undef, "$uri: not passed on";
}
ok $t->wait_log(qr/\[error\].*unknown charset "utf-8" to override/),
    'one that no directive names';

done_testing();
