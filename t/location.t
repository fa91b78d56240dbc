# SPDX-License-Identifier: BSD-2-Clause
#
# Which location is taken: exact, prefixes, ^~, regular expressions, nesting;
# and what the URI is that they look at.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 root; }
        location = /exact { return 200 exact; }
        location /exact { return 200 prefix; }
        location /images/ { return 200 images; }
        location /images/big/ { return 200 big; }
        location ^~ /static/ { return 200 static; }
        location ~ \.(png|gif)$ { return 200 "case $1"; }
        location ~* \.JPG$ { return 200 nocase; }
        location ~ ^/user/(?<name>[a-z]+)/(.*)$ { return 200 "$name:$2"; }
        location ~ ^/user/ { return 200 later; }
        location ~ ^/ends/ab?c.*\.php$ { return 200 ends; }
        location ~ ^/either|/or$ { return 200 either; }
        location ~* ^/Any/.*\.Case$ { return 200 any; }
        location ~ (?i)^/option/x$ { return 200 option; }
        location /nest/ {
            location = /nest/exact { return 200 nest-exact; }
            location /nest/in/ { return 200 nest-in; }
            location ~ \.txt$ { return 200 nest-regex; }
            return 200 nest;
        }
        location /outer/ {
            location ~ \.gif$ { return 200 inner-gif; }
        }
        location "/with space" { return 200 space; }
        location /b%20c { return 200 never; }
        location /named { error_page 418 = @other; return 418; }
        location @other { return 200 "named $uri"; }
        location /UPPER { return 200 upper; }
    }
    server {
        listen 127.0.0.1:%%PORT_bare%%;
        location /only { return 200 only; }
    }
    server {
        listen 127.0.0.1:%%PORT_slashes%%;
        merge_slashes off;
        location / { return 200 $uri; }
    }
}
EOC

$t->answers(
    # request                  answer
    '/'                     => 'root',
    '/exact'                => 'exact',
    '/exact?x=1'            => 'exact',
    '/exact/'               => 'prefix',
    '/exactly'              => 'prefix',
    '/images/a'             => 'images',
    '/images/big/a'         => 'big',
    '/images/a.png'         => 'case png',
    '/images/a.PNG'         => 'images',
    '/static/a.png'         => 'static',
    '/a.jpg'                => 'nocase',
    '/a.JpG'                => 'nocase',
    '/user/ann/x/y'         => 'ann:x/y',
    '/user/7'               => 'later',
    '/ends/abc.php'         => 'ends',
    '/ends/acx.php'         => 'ends',
    '/ends/ac.php%0A'       => 'ends',
    '/ends/ac.php%0A%0A'    => 'root',
    '/ends/ac.phpx'         => 'root',
    '/ends/xc.php'          => 'root',
    '/either/x'             => 'either',
    '/x/or'                 => 'either',
    '/x/or/x'               => 'root',
    '/aNY/x.cASE'           => 'any',
    '/OPTION/X'             => 'option',
    '/nest/'                => 'nest',
    '/nest/exact'           => 'nest-exact',
    '/nest/in/x'            => 'nest-in',
    '/nest/a.txt'           => 'nest-regex',
    '/outer/a.gif'          => 'inner-gif',
    '/outer/a.png'          => 'case png',
    '/with%20space'         => 'space',
    '/b%20c'                => 'root',
    '/named/x'              => 'named /named/x',
    '/upper'                => 'root',
    '/UPPER'                => 'upper',
    '//images//big///a'     => 'big',
    '/images/./big/a'       => 'big',
    '/static/../images/a'   => 'images',
    '/images/big/..'        => 'images',
    '/%69mages/a'           => 'images',
    '/images/%2e%2e/exact'  => 'exact',
    '/exact%3fx'            => 'prefix',
    '/exact#fragment'       => 'exact',
    '/@other'               => 'root',
);

is $t->get('/%2e%2e/')->status, 400, 'above the root';
is $t->get('/a%00b')->status, 400, 'a zero byte';
is $t->get('/a%zz')->status, 400, 'a bad escape';
is $t->get('/other', port => 'bare')->status, 404, 'no location fits';
is $t->get('/only', port => 'bare')->body, 'only', 'one fits';
is $t->get('//a///b', port => 'slashes')->body, '//a///b',
    'merge_slashes off';

# Which name may stand in which.
my $outside = sub { qq{location "$_[1]" is outside location "$_[0]"} };
my @nesting = (
    # outer         inner        the message
    ['/a/',         '/a/b',      undef],
    ['/a/',         '/b/',       $outside->('/a/', '/b/')],
    ['^~ /a/',      '= /a',      $outside->('/a/', '/a')],
    ['~ ^/',        '/dir/',     $outside->('^/', '/dir/')],
    ['~ ^/',        '= /dir',    $outside->('^/', '/dir')],
    ['~ ^/',        '^~ /dir/',  $outside->('^/', '/dir/')],
    ['~* \\.php$', '/x.php',    $outside->('\.php$', '/x.php')],
    ['~ /a',        '/a/b',      undef],
    ['~ ^/',        '~ x',       undef],
    ['= /a',        '/a/b',      'location "/a/b" cannot be inside the exact '
                                 . 'location "/a"'],
    ['@a',          '/b',        'location "/b" cannot be inside the named '
                                 . 'location "@a"'],
    ['/a/',         '@b',        'named location "@b" can be on the server '
                                 . 'level only'],
);
for my $row (@nesting) {
    my ($outer, $inner, $message) = @$row;
    my $conf = conf_test("%%HTTP%%\nserver { listen 127.0.0.1:%%PORT%%;\n"
        . "location $outer {\nlocation $inner { }\n} } }");

    is $conf->{code}, $message ? 1 : 0, "$inner in $outer";
    like $conf->{first}, qr/^\Q$message\E in F:/, '... the message'
        if $message;
}

done_testing;
