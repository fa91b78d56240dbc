# SPDX-License-Identifier: BSD-2-Clause
#
# modern_browser, ancient_browser and their values; $msie.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_browser', 'http_rewrite');

my $t = Weir::Test->new;
$t->run(<<'EOC');
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "$modern_browser|$ancient_browser|$msie"; }
        location /list {
            modern_browser gecko 1.0.0; modern_browser msie 5.5;
            modern_browser konqueror 3.0; modern_browser safari 413;
            modern_browser opera 9.10;
            modern_browser_value x; modern_browser_value new; ancient_browser_value old;
            return 200 $modern_browser|$ancient_browser; }
        location /unlisted {
            modern_browser msie 6; modern_browser unlisted;
            ancient_browser Lynx netscape4; ancient_browser "a b";
            return 200 $modern_browser|$ancient_browser;
            location /unlisted/in { return 200 $modern_browser|$ancient_browser; }
            location /unlisted/own { modern_browser msie 7; return 200 $modern_browser|$ancient_browser; } }
        location /long { modern_browser gecko 1.8.0.12; return 200 $modern_browser|$ancient_browser; }
    }
}
EOC

my $ms = 'Mozilla/4.0 (compatible; MSIE ';
my $ge = 'Mozilla/5.0 (X11; U; Linux; rv:';
my @table = (
    '/list', undef, 'old',
    '/list', '' => 'old', '/list', 'x' => 'old',
    '/list', $ms . '6.0; Windows)' => 'new',
    '/list', $ms . '5.5)' => 'new', '/list', $ms . '5.4)' => 'old',
    '/list', $ms . '5.50)' => 'new', '/list', $ms . '5' => 'old',
    '/list', $ms . '11' => 'new', '/list', 'MSIE 6.0' => 'old',
    '/list', $ms => 'old', '/list', $ms . 'x' => 'old',
    '/list', $ge . '1.0) Gecko/2006' => 'new',
    '/list', $ge . '0.9.9) Gecko/2006' => 'old',
    '/list', $ge . '109.0) Gecko/20100101 Firefox/115.0' => 'new',
    '/list', $ge . '1.0)' => 'new', '/list', 'Mozilla/5.0 rv:1.5' => 'old',
    '/list', 'Mozilla/5.0 Safari/500' => 'old',
    '/list', 'xxxxxxxxxxxxxxxxxxxxxxxxMSIE 6' => 'old',
    '/list', 'Mozilla/5.0 (x) Gecko/2006' => 'old',
    '/list', 'Mozilla/5.0 (compatible; Konqueror/3.5; Linux)' => 'new',
    '/list', 'Mozilla/5.0 (compatible; Konqueror/2.2; Linux)' => 'old',
    '/list', 'Mozilla/5.0 (Mac) AppleWebKit/537 (KHTML, like Gecko) Safari/537.36' => 'new',
    '/list', 'Mozilla/5.0 (Mac) AppleWebKit/85 (KHTML, like Gecko) Safari/85' => 'old',
    '/list', 'Opera/9.10 (X11)' => 'new', '/list', 'Opera/9.09 (X11)' => 'old',
    '/list', $ms . '6.0; X11) Opera 7.50' => 'old',
    '/list', $ms . '5.0; X11) Opera 9.50' => 'new',
    '/list', 'Opera' => 'old',
    '/unlisted', undef, 'new', '/unlisted', 'x' => 'new',
    '/unlisted', 'a Lynx/2' => 'old', '/unlisted', 'lynx' => 'new',
    '/unlisted', 'xa bx' => 'old', '/unlisted', 'a' => 'new',
    '/unlisted', 'Mozilla/4.7 [en]' => 'old',
    '/unlisted', 'Mozilla/0.7' => 'new', '/unlisted', 'Mozilla/5.0' => 'new',
    '/unlisted', $ms . '6.0)' => 'new', '/unlisted', $ms . '5.0)' => 'old',
    '/unlisted/in', 'Lynx' => 'old', '/unlisted/in', 'x' => 'new',
    '/unlisted/own', $ms . '6.0)' => 'old',
    '/unlisted/own', 'Lynx' => 'old',
    '/long', $ge . '1.8.0.12) Gecko/2006' => 'new',
    '/long', $ge . '1.8.0.11) Gecko/2006' => 'old',
    '/long', $ge . '1.8.1) Gecko/2006' => 'new',
    '/long', $ge . '1.8) Gecko/2006' => 'old',
    # Opera counts as listed where others are.
    '/long', 'Opera/9.80' => 'old', '/unlisted', 'Opera/9.80' => 'old',
    '/unlisted', $ms . '6.0; X11) Opera 7.50' => 'old',
    '/unlisted', 'Opera 4001' => 'new',
    '/unlisted', 'Mozilla/4.0xx' => 'new', '/unlisted', 'Mozilla/4.0xxx' => 'old',
);
while (my ($uri, $agent, $want) = splice @table, 0, 3) {
    my $r = $t->get($uri,
        headers => [ defined $agent ? ('User-Agent' => $agent) : () ]);
    my ($new, $old) = $uri eq '/list' ? qw(new old) : (1, 1);
    is $r->body, $want eq 'new' ? "$new|" : "|$old",
        "$uri: " . ($agent // 'none');
}
is $t->get('/', headers => [ 'User-Agent' => 'x MSIE 6.0' ])->body, '|1|1',
    '$msie';
is $t->get('/', headers => [ 'User-Agent' => 'x msie 6.0' ])->body, '|1|',
    '$msie: case';
my @msie = ('MSIE 5.5' => 1, 'MSIE 5.' => '', 'MSIE5.5xx' => '',
    'MSIE 6.0 Opera 7' => '', 'Opera MSIE 6.0' => '', 'MSIE 6.0 opera' => 1);
while (my ($agent, $want) = splice @msie, 0, 2) {
    is $t->get('/', headers => [ 'User-Agent' => $agent ])->body, "|1|$want",
        "\$msie: $agent";
}
is $t->get('/')->body, '|1|', 'nothing configured';

# ---- messages ----

sub first { return conf_test("events {}\nhttp {\n$_[0]\n}\n") }

is first('modern_browser lynx 1;')->{first},
    'unknown browser name "lynx" in F:3', 'a name';
is first('modern_browser msie 1x;')->{first},
    'invalid browser version "1x" in F:3', 'a version';
is first('modern_browser msie;')->{code}, 1, 'no version';

done_testing;
