# SPDX-License-Identifier: BSD-2-Clause
#
# msie_refresh and msie_padding: what old browsers are given; and directives
# that Linux has no use for.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new->run(<<'EOC');
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location /refresh { msie_refresh on; return 301 '/x?a="b"'; }
        location /quote { msie_refresh on; return 302 "http://a/b c'<d>"; }
        location /see { msie_refresh on; return 303 /x; }
        location /plain { return 301 /x; }
        location /padded { return 404; }
        location /bare { msie_padding off; return 404; }
    }
}
EOC

my %old = (headers => ['User-Agent' => 'Mozilla/4.0 (MSIE 8.0)']);
my $r = $t->get('/refresh', %old);
is $r->status, 200, 'msie_refresh: a page';
is $r->header('Location'), undef, 'without Location';
is $r->body, '<html><head><meta http-equiv="Refresh" content="0; '
    . qq{URL=/x?a=%22b%22"></head><body></body></html>\r\n}, 'that refreshes';
is $t->get('/quote', %old)->body, '<html><head><meta http-equiv="Refresh" '
    . 'content="0; URL=http://a/b%20c%27%3Cd%3E"></head><body></body></html>'
    . "\r\n", 'what would end the attribute is escaped';
is $t->get('/see', %old)->status, 303, 'other redirects stay';
is $t->get('/plain', %old)->status, 301, 'off by default';
is $t->get('/refresh')->status, 301, 'not for others';

my $padding = qr/(?:<!-- a padding to disable MSIE and Chrome [^\n]*\r\n){6}/;
like $t->get('/padded', %old)->body, $padding, 'msie_padding';
unlike $t->get('/padded')->body, $padding, 'not for others';
unlike $t->get('/bare', %old)->body, $padding, 'nor when off';

my $c = conf_test("events {}\nhttp { send_lowat 10; }\n");
like $c->{err}, qr/\[warn\] "send_lowat" is not supported, ignored in /,
    'send_lowat: a warning';
is $c->{code}, 0, 'and accepted';

done_testing();
