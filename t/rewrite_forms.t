# SPDX-License-Identifier: BSD-2-Clause
#
# rewrite in all forms: targets, flags, arguments, captures, what it meets in
# locations, if, named locations and before proxy_pass, alias and try_files.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/file', 'the file');
$t->write('html/a.txt', 'plain a');
$t->write('html/index.html', 'index');
$t->write('html/dir/index.html', 'dir index');
$t->write('other/a.txt', 'other a');
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    server { listen 127.0.0.1:%%PORT%%; server_name localhost; root %%TESTDIR%%/html;
        location /show { return 200 "$uri?$args|$request_uri|$is_args"; }
        location /a1/ { rewrite ^/a1/(.*)$ /show/$1; }
        location /a2/ { rewrite ^/a2/(.*)$ /show/$1 last; }
        location /a3/ { rewrite ^/a3/(.*)$ /$1 break; }
        location /a4/ { rewrite ^/a4/(.*)$ /show/$1 redirect; }
        location /a5/ { rewrite ^/a5/(.*)$ /show/$1 permanent; }
        location /a6/ { rewrite ^/a6/(.*)$ /show/$1? ; }
        location /a7/ { rewrite ^/a7/(.*)$ /show/$1?? ; }
        location /a8/ { rewrite ^/a8/(.*)$ /show/?x=$1 ; }
        location /a9/ { rewrite ^/a9/(.*)$ /show/?x=$1? ; }
        location /b1/ { rewrite ^/b1/(.*)$ /show/?x=$1&$args? ; }
        location /b2/ { rewrite ^/b2/(.*)$ /show/$args ; }
        location /b3/ { rewrite ^/b3/(.*)$ http://x/$1 ; }
        location /b4/ { rewrite ^/b4/(.*)$ https://x/$1? ; }
        location /b5/ { rewrite ^/b5/(.*)$ $scheme://x/$1?a=b ; }
        location /b6/ { rewrite ^/b6/(.*)$ http://x/$1?a=$1 permanent; }
        location /b7/ { rewrite ^/b7/(.*)$ http://x/$1 last; }
        location /b8/ { rewrite ^/b8/(.*)$ http://x/$1 break; }
        location /b9/ { rewrite ^/b9/(.*)$ //x/$1 redirect; }
        location /c1/ { rewrite ^/c1/(.*)$ show/$1; }
        location /c2/ { rewrite ^/c2/(.*)$ show/$1 break; }
        location /c3/ { rewrite ^/c3/(.*)$ show/$1 redirect; }
        location /c4/ { rewrite ^/c4/(.*)$ ftp://$1 redirect; }
        location /c5/ { rewrite ^/c5/(.*)$ /show/$1/../y; }
        location /c6/ { rewrite ^/c6/(.*)$ /show//$1; }
        location /c7/ { rewrite ^/c7/(.*)$ /show/%41$1; }
        location /c8/ { rewrite ^/c8/(.*)$ /show/%41$1 redirect; }
        location /c9/ { rewrite ^/c9/(.*)$ "/show/a b$1" redirect; }
        location /d1/ { rewrite ^/d1/(.*)$ /show/$uri$request_uri redirect; }
        location /d2/ { rewrite ^/d2/(.*)$ $1; }
        location /d3/ { rewrite ^/d3/(.*)$ $1 redirect; }
        location /d4/ { rewrite ^/d4/(.*)$ $arg_u? redirect; }
        location /d5/ { rewrite ^/d5/(.*)$ /show/$arg_u; }
        location /d6/ { rewrite ^/d6/(.*)$ /show?$arg_u; }
        location /d7/ { set $args "n=1"; rewrite ^/d7/(.*)$ /show/$1; }
        location /d8/ { set $args ""; rewrite ^/d8/(.*)$ /show/$1?x; }
        location /d9/ { rewrite ^/d9/(.*)$ /show/$1?x=1; set $args "z"; }
        location /e1/ { set $args "a=$arg_a&b"; proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /e2/ { set $args "a=$arg_a&b"; proxy_pass http://127.0.0.1:%%PORT_up%%/x/; }
        location /e3/ { set $args ""; proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /e4/ { set $args "q";
            return 200 "$args|$query_string|$is_args|$request_uri|$arg_q|$arg_a"; }
        location /e5/ { set $args ""; return 200 "$args|$query_string|$is_args"; }
        location /f1/ { rewrite ^ /f2/; rewrite ^/f2/ /f3/; rewrite ^/f3/ /show/f;
            return 200 "u=$uri"; }
        location /f2/ { return 200 f2; }
        location /f4/ { rewrite ^ /f5/ last; }
        location /f5/ { rewrite ^ /f6/ last; }
        location /f6/ { rewrite ^ /f7/ last; }
        location /f7/ { rewrite ^ /show/f7 last; }
        location /g1/ { rewrite ^/g1/(..)*(x)?(y)?.*$ /show/[$1][$2][$3][$4]; }
        location /g2/ { rewrite ^/g2/(?<aa>.*)-(?<bb>.*)$ /show/$bb-$aa/$1$2; }
        location /g3/ { rewrite ^/g3/(?<aa>.*)$ /show/x; }
        location /g4/ { rewrite (?i)/G4/(.*)$ /show/$1; }
        location /g5/ { rewrite /(.)$ /show/$1$1; }
        location /g6/ { if ($uri ~ ^/g6/(.*)$) { rewrite ^ /show/$1; } }
        location /g7/ { if ($uri ~ ^/g7/(.*)$) { rewrite ^/(..) /show/$1; } }
        location /g8/ { if ($uri ~ ^/g8/(.*)$) { set $z $1; }
        rewrite ^ /show/$z?$z; }
        location /g9/ { if ($args ~ (a=.*)) { rewrite ^ /show?$1; } return 200 "no"; }
        location ~ ^/h1/(?<p1>.*)$ { rewrite ^/h1/(.*)$ /show/$1-$p1; }
        location ~ ^/h2/(.*)$ { rewrite ^ /show/$1; }
        location ~ ^/h3/(.*)$ { set $q $1; rewrite ^ /show/$q?$1; }
        location ~ ^/h4/(.*)$ { return 302 /show/$1; }
        location ~ ^/h5/(.*)$ { return 200 "$1|$uri"; }
        location ~ ^/h6/(.*)$ { if ($arg_a ~ (.)) { } return 200 "[$1]"; }
        location ~ ^/h7/(.*)$ { if ($arg_a) { } return 200 "[$1]"; }
        location ~ ^/h8/(.*)$ { rewrite ^/nomatch(.) /x; return 200 "[$1]"; }
        location ~ ^/h9/(.*)$ { rewrite ^/(.)(.) /x; return 200 "[$1][$2]$uri"; }
        location /i1/ { break; return 200 never; }
        location /i2/ { break; rewrite ^ /show; }
        location /i3/ { rewrite ^ /show; break; }
        location /i4/ { if ($arg_a) { break; }
        rewrite ^ /show; }
        location /i5/ { if ($arg_a) { rewrite ^ /a.txt; break; }
        rewrite ^ /show; }
        location /i6/ { rewrite ^ /i6/loop last; }
        location /i7/ { rewrite ^/i7/(\d*)$ /i7/1$1 last;
            rewrite ^/i7/111111111$ /show? last; return 200 "$uri"; }
        location /i8/ { if ($arg_a) { rewrite ^/i8/(.*)$ /i8/x$1; } return 200 "end $uri"; }
        location /j1/ { rewrite_log on; rewrite ^/j1/(.*)$ /show/$1?a; }
        location /j2/ { rewrite_log on; rewrite ^/none /x; if ($arg_a ~ b) { }
            if ($arg_a !~ b) { }
            if ($arg_a = b) { }
        rewrite ^/j2/(.*)$ http://x/$1; }
        location /j3/ { rewrite_log on; rewrite ^/j3/(.*)$ /$1 break; rewrite ^/z /y redirect; }
        location /j4/ { rewrite_log on; if ($arg_a) { rewrite_log off;
            rewrite ^/j4/(.*)$ /show/4; } }
        location /j5/ { if ($arg_a) { rewrite_log on; rewrite ^/j5/(.*)$ /show/5; } }
        location /j6/ { rewrite_log on; if ($arg_a ~* ^X(.)) { set $y $1; } return 200 $y; }
        location /k1/ { return 200 "$un1"; }
        location /k2/ { uninitialized_variable_warn off; return 200 "$un1"; }
        location /k3/ { set $un1 x; }
        location /k4/ { if ($un1) { }
            if ($un1 = "") { return 200 e; } }
        location /k5/ { set $un1 "$un1-"; return 200 $un1; }
        location /k6/ { if ($arg_a) { uninitialized_variable_warn off; return 200 "$un1";
            } return 200 "$un1"; }
        location /k7/ { rewrite ^ /show$un1; }
        location /l1/ { set $limit_rate 10k; return 200 "$limit_rate"; }
        location /l2/ { set $limit_rate x; return 200 "$limit_rate"; }
        location /l3/ { set $http_foo x; return 200 "$http_foo|$http_bar"; }
        location /l4/ { set $arg_a x; return 200 "$arg_a|$args"; }
        location /l5/ { set $uu "$uri"; rewrite ^ /zz; return 200 "$uu $uri"; }
        location /l6/ { set $a1 "$arg_a"; set $a2 "${a1}x"; set $a1 q; return 200 "$a1$a2"; }
        location /l7/ { set $cookie_c z; return 200 "$cookie_c|$cookie_d"; }
        location /l8/ { set $a1 "a$arg_none b"; return 200 "$a1"; }
        location /m1/ { if ($arg_a) { set $b1 1; }
            if ($arg_b) { set $b1 "${b1}2"; }
            if ($b1 = 12) { return 200 both; } return 200 "<$b1>"; }
        location /m2/ { if ($request_method = POST) { return 405; }
            if ($request_method !~ ^(GET|HEAD)$) { return 444; } return 200 ok; }
        location /m3/ { if ($http_cookie ~* "id=([^;]+)(?:;|$)") { set $id $1;
            } return 200 "id=$id"; }
        location /m4/ { if ($http_user_agent ~ MSIE) { rewrite ^/m4/(.*)$ /show/msie/$1 break; } return 200 std; }
        location /m5/ { if ($slow) { limit_rate 10k; break; } set $slow 1; return 200 m5; }
        location /n1/ { rewrite ^/n1/(.*)$ /n1x/$1 last; }
        location /n1x/ { internal; return 200 "int $uri"; }
        location /n2/ { rewrite ^/n2/(.*) /@x last; }
        location /n3/ { rewrite ^/n3/(.*)\.php$ /show/$1.html;
            rewrite ^/n3/([^/]+)/([^/]+)/?$ /show?c=$1&d=$2 last; return 200 rest; }
        location /n4/ { rewrite "^/n4/([0-9]{3})/(.*)$" /show/$2/$1; return 200 "not"; }
        location /n5/ { rewrite ^/n5/$ /n5/index.html; rewrite ^/n5/(.*)$ /$1 break; }
        location /n6/ { if (!-f $request_filename) { rewrite ^/n6/(.*)$ /show?q=$1 last; } }
        location /n7/ { error_page 404 = /show/ep; rewrite ^ /nosuch break; }
        location /n8/ { error_page 418 = @nm; return 418; }
        location @nm { rewrite ^ /show/nm; }
        location @nm2 { rewrite ^ /show/nm2 break; return 200 "nm2 $uri"; }
        location /n9/ { try_files /nosuch @nm2; }
        location /o1/ { try_files $uri /o1x/; }
        location /o1x/ { rewrite ^ /show/tf last; }
        location /o2/ { index nothing index.html; alias %%TESTDIR%%/html/dir/;
            rewrite ^/o2/x$ /o2/; }
        location /oa/ { alias %%TESTDIR%%/html/dir/;
            rewrite ^/oa/x/(.*)$ /oa/$1 break; }
        location ~ ^/ob/(.*)$ { alias %%TESTDIR%%/html/dir/$1;
            rewrite ^/ob/x/(.*)$ /ob/$1 break; }
        location /oc/ { alias %%TESTDIR%%/html/dir/;
            rewrite ^/oc/x/(.*)$ /oc/$1; }
        location /o3/ { rewrite ^/o3/(.*)$ /$1 break; proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /o4/ { rewrite ^/o4/(.*)$ /$1?n=1 break;
            proxy_pass http://127.0.0.1:%%PORT_up%%/ignored/; }
        location /o5/ { rewrite ^/o5/(.*)$ /$1? break;
            proxy_pass http://127.0.0.1:%%PORT_up%%$uri; }
        location /o8/ { rewrite ^/o8/(.*)$ "/a b/$1" break;
            proxy_pass http://127.0.0.1:%%PORT_up%%; }
        }
    server { listen 127.0.0.1:%%PORT_up%%; add_header X-Up 1;
        return 200 "up $request_method $request_uri"; }
}
EOC

# Request => body, or [status, body or Location]; a built-in page is not shown.
my @table = (
    '/a1/x' => '/show/x?|/a1/x|',
    '/a1/a%20b%26+' => '/show/a b&+?|/a1/a%20b%26+|',
    '/a1/x?a=b&u=%2Fz%20' => '/show/x?a=b&u=%2Fz%20|/a1/x?a=b&u=%2Fz%20|?',
    '/a1/?a=xb&b=1' => '/show/?a=xb&b=1|/a1/?a=xb&b=1|?',
    '/a2/x' => '/show/x?|/a2/x|',
    '/a2/a%20b%26+' => '/show/a b&+?|/a2/a%20b%26+|',
    '/a2/x?a=b&u=%2Fz%20' => '/show/x?a=b&u=%2Fz%20|/a2/x?a=b&u=%2Fz%20|?',
    '/a2/?a=xb&b=1' => '/show/?a=xb&b=1|/a2/?a=xb&b=1|?',
    '/a3/x' => [404],
    '/a3/a%20b%26+' => [404],
    '/a3/x?a=b&u=%2Fz%20' => [404],
    '/a3/?a=xb&b=1' => 'index',
    '/a4/x' => [302, '/show/x'],
    '/a4/a%20b%26+' => [302, '/show/a%20b&+'],
    '/a4/x?a=b&u=%2Fz%20' => [302, '/show/x?a=b&u=%2Fz%20'],
    '/a4/?a=xb&b=1' => [302, '/show/?a=xb&b=1'],
    '/a5/x' => [301, '/show/x'],
    '/a5/a%20b%26+' => [301, '/show/a%20b&+'],
    '/a5/x?a=b&u=%2Fz%20' => [301, '/show/x?a=b&u=%2Fz%20'],
    '/a5/?a=xb&b=1' => [301, '/show/?a=xb&b=1'],
    '/a6/x' => '/show/x?|/a6/x|',
    '/a6/a%20b%26+' => '/show/a b&+?|/a6/a%20b%26+|',
    '/a6/x?a=b&u=%2Fz%20' => '/show/x?|/a6/x?a=b&u=%2Fz%20|',
    '/a6/?a=xb&b=1' => '/show/?|/a6/?a=xb&b=1|',
    '/a7/x' => '/show/x?|/a7/x|',
    '/a7/a%20b%26+' => '/show/a b&+?|/a7/a%20b%26+|',
    '/a7/x?a=b&u=%2Fz%20' => '/show/x?|/a7/x?a=b&u=%2Fz%20|',
    '/a7/?a=xb&b=1' => '/show/?|/a7/?a=xb&b=1|',
    '/a8/x' => '/show/?x=x|/a8/x|?',
    '/a8/a%20b%26+' => '/show/?x=a%20b%26%2B|/a8/a%20b%26+|?',
    '/a8/x?a=b&u=%2Fz%20' => '/show/?x=x&a=b&u=%2Fz%20|/a8/x?a=b&u=%2Fz%20|?',
    '/a8/?a=xb&b=1' => '/show/?x=&a=xb&b=1|/a8/?a=xb&b=1|?',
    '/a9/x' => '/show/?x=x|/a9/x|?',
    '/a9/a%20b%26+' => '/show/?x=a%20b%26%2B|/a9/a%20b%26+|?',
    '/a9/x?a=b&u=%2Fz%20' => '/show/?x=x|/a9/x?a=b&u=%2Fz%20|?',
    '/a9/?a=xb&b=1' => '/show/?x=|/a9/?a=xb&b=1|?',
    '/b1/x' => '/show/?x=x&|/b1/x|?',
    '/b1/a%20b%26+' => '/show/?x=a%20b%26%2B&|/b1/a%20b%26+|?',
    '/b1/x?a=b&u=%2Fz%20' => '/show/?x=x&a=b&u=%2Fz%20|/b1/x?a=b&u=%2Fz%20|?',
    '/b1/?a=xb&b=1' => '/show/?x=&a=xb&b=1|/b1/?a=xb&b=1|?',
    '/b2/x' => '/show/?|/b2/x|',
    '/b2/a%20b%26+' => '/show/?|/b2/a%20b%26+|',
    '/b2/x?a=b&u=%2Fz%20'
        => '/show/a=b&u=%2Fz%20?a=b&u=%2Fz%20|/b2/x?a=b&u=%2Fz%20|?',
    '/b2/?a=xb&b=1' => '/show/a=xb&b=1?a=xb&b=1|/b2/?a=xb&b=1|?',
    '/b3/x' => [302, 'http://x/x'],
    '/b3/a%20b%26+' => [302, 'http://x/a%20b&+'],
    '/b3/x?a=b&u=%2Fz%20' => [302, 'http://x/x?a=b&u=%2Fz%20'],
    '/b3/?a=xb&b=1' => [302, 'http://x/?a=xb&b=1'],
    '/b4/x' => [302, 'https://x/x'],
    '/b4/a%20b%26+' => [302, 'https://x/a%20b&+'],
    '/b4/x?a=b&u=%2Fz%20' => [302, 'https://x/x'],
    '/b4/?a=xb&b=1' => [302, 'https://x/'],
    '/b5/x' => [302, 'http://x/x?a=b'],
    '/b5/a%20b%26+' => [302, 'http://x/a%20b&+?a=b'],
    '/b5/x?a=b&u=%2Fz%20' => [302, 'http://x/x?a=b&a=b&u=%2Fz%20'],
    '/b5/?a=xb&b=1' => [302, 'http://x/?a=b&a=xb&b=1'],
    '/b6/x' => [301, 'http://x/x?a=x'],
    '/b6/a%20b%26+' => [301, 'http://x/a%20b&+?a=a%20b%26%2B'],
    '/b6/x?a=b&u=%2Fz%20' => [301, 'http://x/x?a=x&a=b&u=%2Fz%20'],
    '/b6/?a=xb&b=1' => [301, 'http://x/?a=&a=xb&b=1'],
    '/b7/x' => [302, 'http://x/x'],
    '/b7/a%20b%26+' => [302, 'http://x/a%20b&+'],
    '/b7/x?a=b&u=%2Fz%20' => [302, 'http://x/x?a=b&u=%2Fz%20'],
    '/b7/?a=xb&b=1' => [302, 'http://x/?a=xb&b=1'],
    '/b8/x' => [302, 'http://x/x'],
    '/b8/a%20b%26+' => [302, 'http://x/a%20b&+'],
    '/b8/x?a=b&u=%2Fz%20' => [302, 'http://x/x?a=b&u=%2Fz%20'],
    '/b8/?a=xb&b=1' => [302, 'http://x/?a=xb&b=1'],
    '/b9/x' => [302, '//x/x'],
    '/b9/a%20b%26+' => [302, '//x/a%20b&+'],
    '/b9/x?a=b&u=%2Fz%20' => [302, '//x/x?a=b&u=%2Fz%20'],
    '/b9/?a=xb&b=1' => [302, '//x/?a=xb&b=1'],
    '/c1/x' => [404],
    '/c1/a%20b%26+' => [404],
    '/c1/x?a=b&u=%2Fz%20' => [404],
    '/c1/?a=xb&b=1' => [404],
    '/c2/x' => [404],
    '/c2/a%20b%26+' => [404],
    '/c2/x?a=b&u=%2Fz%20' => [404],
    '/c2/?a=xb&b=1' => [404],
    '/c3/x' => [302, 'show/x'],
    '/c3/a%20b%26+' => [302, 'show/a%20b&+'],
    '/c3/x?a=b&u=%2Fz%20' => [302, 'show/x?a=b&u=%2Fz%20'],
    '/c3/?a=xb&b=1' => [302, 'show/?a=xb&b=1'],
    '/c4/x' => [302, 'ftp://x'],
    '/c4/a%20b%26+' => [302, 'ftp://a%20b&+'],
    '/c4/x?a=b&u=%2Fz%20' => [302, 'ftp://x?a=b&u=%2Fz%20'],
    '/c4/?a=xb&b=1' => [302, 'ftp://?a=xb&b=1'],
    '/c5/x' => '/show/x/../y?|/c5/x|',
    '/c5/a%20b%26+' => '/show/a b&+/../y?|/c5/a%20b%26+|',
    '/c5/x?a=b&u=%2Fz%20'
        => '/show/x/../y?a=b&u=%2Fz%20|/c5/x?a=b&u=%2Fz%20|?',
    '/c5/?a=xb&b=1' => '/show//../y?a=xb&b=1|/c5/?a=xb&b=1|?',
    '/c6/x' => '/show//x?|/c6/x|',
    '/c6/a%20b%26+' => '/show//a b&+?|/c6/a%20b%26+|',
    '/c6/x?a=b&u=%2Fz%20' => '/show//x?a=b&u=%2Fz%20|/c6/x?a=b&u=%2Fz%20|?',
    '/c6/?a=xb&b=1' => '/show//?a=xb&b=1|/c6/?a=xb&b=1|?',
    '/c7/x' => '/show/%41x?|/c7/x|',
    '/c7/a%20b%26+' => '/show/%41a b&+?|/c7/a%20b%26+|',
    '/c7/x?a=b&u=%2Fz%20' => '/show/%41x?a=b&u=%2Fz%20|/c7/x?a=b&u=%2Fz%20|?',
    '/c7/?a=xb&b=1' => '/show/%41?a=xb&b=1|/c7/?a=xb&b=1|?',
    '/c8/x' => [302, '/show/Ax'],
    '/c8/a%20b%26+' => [302, '/show/Aa%20b&+'],
    '/c8/x?a=b&u=%2Fz%20' => [302, '/show/Ax?a=b&u=%2Fz%20'],
    '/c8/?a=xb&b=1' => [302, '/show/A?a=xb&b=1'],
    '/c9/x' => [302, '/show/a bx'],
    '/c9/a%20b%26+' => [302, '/show/a ba%20b&+'],
    '/c9/x?a=b&u=%2Fz%20' => [302, '/show/a bx?a=b&u=%2Fz%20'],
    '/c9/?a=xb&b=1' => [302, '/show/a b?a=xb&b=1'],
    '/d1/x' => [302, '/show//d1/x/d1/x'],
    '/d1/a%20b%26+' => [302, '/show//d1/a b&+/d1/a%20b&+'],
    '/d1/x?a=b&u=%2Fz%20'
        => [302, '/show//d1/x/d1/x?a=b&u=%2Fz%20?a=b&u=%2Fz%20'],
    '/d1/?a=xb&b=1' => [302, '/show//d1//d1/?a=xb&b=1?a=xb&b=1'],
    '/d2/x' => [404],
    '/d2/a%20b%26+' => [404],
    '/d2/x?a=b&u=%2Fz%20' => [404],
    '/d2/?a=xb&b=1' => [500],
    '/d3/x' => [302, 'x'],
    '/d3/a%20b%26+' => [302, 'a%20b&+'],
    '/d3/x?a=b&u=%2Fz%20' => [302, 'x?a=b&u=%2Fz%20'],
    '/d3/?a=xb&b=1' => [302, '?a=xb&b=1'],
    '/d4/x' => [302, ''],
    '/d4/a%20b%26+' => [302, ''],
    '/d4/x?a=b&u=%2Fz%20' => [302, '/z%20'],
    '/d4/?a=xb&b=1' => [302, ''],
    '/d6/x' => '/show?|/d6/x|',
    '/d6/a%20b%26+' => '/show?|/d6/a%20b%26+|',
    '/d6/x?a=b&u=%2Fz%20'
        => '/show?%2Fz%20&a=b&u=%2Fz%20|/d6/x?a=b&u=%2Fz%20|?',
    '/d6/?a=xb&b=1' => '/show?&a=xb&b=1|/d6/?a=xb&b=1|?',
    '/d7/x' => '/show/x?n=1|/d7/x|?',
    '/d7/a%20b%26+' => '/show/a b&+?n=1|/d7/a%20b%26+|?',
    '/d7/x?a=b&u=%2Fz%20' => '/show/x?n=1|/d7/x?a=b&u=%2Fz%20|?',
    '/d7/?a=xb&b=1' => '/show/?n=1|/d7/?a=xb&b=1|?',
    '/d8/x' => '/show/x?x|/d8/x|?',
    '/d8/a%20b%26+' => '/show/a b&+?x|/d8/a%20b%26+|?',
    '/d8/x?a=b&u=%2Fz%20' => '/show/x?x|/d8/x?a=b&u=%2Fz%20|?',
    '/d8/?a=xb&b=1' => '/show/?x|/d8/?a=xb&b=1|?',
    '/d9/x' => '/show/x?z|/d9/x|?',
    '/d9/a%20b%26+' => '/show/a b&+?z|/d9/a%20b%26+|?',
    '/d9/x?a=b&u=%2Fz%20' => '/show/x?z|/d9/x?a=b&u=%2Fz%20|?',
    '/d9/?a=xb&b=1' => '/show/?z|/d9/?a=xb&b=1|?',
    '/e1/x' => 'up GET /e1/x?a=&b',
    '/e1/a%20b%26+' => 'up GET /e1/a%20b&+?a=&b',
    '/e1/x?a=b&u=%2Fz%20' => 'up GET /e1/x?a=b&b',
    '/e1/?a=xb&b=1' => 'up GET /e1/?a=xb&b',
    '/e2/x' => 'up GET /x/x?a=&b',
    '/e2/a%20b%26+' => 'up GET /x/a%20b&+?a=&b',
    '/e2/x?a=b&u=%2Fz%20' => 'up GET /x/x?a=b&b',
    '/e2/?a=xb&b=1' => 'up GET /x/?a=xb&b',
    '/e3/x' => 'up GET /e3/x',
    '/e3/a%20b%26+' => 'up GET /e3/a%20b&+',
    '/e3/x?a=b&u=%2Fz%20' => 'up GET /e3/x',
    '/e3/?a=xb&b=1' => 'up GET /e3/',
    '/e4/x' => 'q|q|?|/e4/x||',
    '/e4/a%20b%26+' => 'q|q|?|/e4/a%20b%26+||',
    '/e4/x?a=b&u=%2Fz%20' => 'q|q|?|/e4/x?a=b&u=%2Fz%20||',
    '/e4/?a=xb&b=1' => 'q|q|?|/e4/?a=xb&b=1||',
    '/e5/x' => '||',
    '/e5/a%20b%26+' => '||',
    '/e5/x?a=b&u=%2Fz%20' => '||',
    '/e5/?a=xb&b=1' => '||',
    '/f1/x' => 'u=/show/f',
    '/f1/a%20b%26+' => 'u=/show/f',
    '/f1/x?a=b&u=%2Fz%20' => 'u=/show/f',
    '/f1/?a=xb&b=1' => 'u=/show/f',
    '/f2/x' => 'f2',
    '/f2/a%20b%26+' => 'f2',
    '/f2/x?a=b&u=%2Fz%20' => 'f2',
    '/f2/?a=xb&b=1' => 'f2',
    '/f4/x' => '/show/f7?|/f4/x|',
    '/f4/a%20b%26+' => '/show/f7?|/f4/a%20b%26+|',
    '/f4/x?a=b&u=%2Fz%20' => '/show/f7?a=b&u=%2Fz%20|/f4/x?a=b&u=%2Fz%20|?',
    '/f4/?a=xb&b=1' => '/show/f7?a=xb&b=1|/f4/?a=xb&b=1|?',
    '/f5/x' => '/show/f7?|/f5/x|',
    '/f5/a%20b%26+' => '/show/f7?|/f5/a%20b%26+|',
    '/f5/x?a=b&u=%2Fz%20' => '/show/f7?a=b&u=%2Fz%20|/f5/x?a=b&u=%2Fz%20|?',
    '/f5/?a=xb&b=1' => '/show/f7?a=xb&b=1|/f5/?a=xb&b=1|?',
    '/f6/x' => '/show/f7?|/f6/x|',
    '/f6/a%20b%26+' => '/show/f7?|/f6/a%20b%26+|',
    '/f6/x?a=b&u=%2Fz%20' => '/show/f7?a=b&u=%2Fz%20|/f6/x?a=b&u=%2Fz%20|?',
    '/f6/?a=xb&b=1' => '/show/f7?a=xb&b=1|/f6/?a=xb&b=1|?',
    '/f7/x' => '/show/f7?|/f7/x|',
    '/f7/a%20b%26+' => '/show/f7?|/f7/a%20b%26+|',
    '/f7/x?a=b&u=%2Fz%20' => '/show/f7?a=b&u=%2Fz%20|/f7/x?a=b&u=%2Fz%20|?',
    '/f7/?a=xb&b=1' => '/show/f7?a=xb&b=1|/f7/?a=xb&b=1|?',
    '/g1/x' => '/show/[][x][][]?|/g1/x|',
    '/g1/a%20b%26+' => '/show/[b&][][][]?|/g1/a%20b%26+|',
    '/g1/x?a=b&u=%2Fz%20'
        => '/show/[][x][][]?a=b&u=%2Fz%20|/g1/x?a=b&u=%2Fz%20|?',
    '/g1/?a=xb&b=1' => '/show/[][][][]?a=xb&b=1|/g1/?a=xb&b=1|?',
    '/g2/x' => [404],
    '/g2/a%20b%26+' => [404],
    '/g2/x?a=b&u=%2Fz%20' => [404],
    '/g2/?a=xb&b=1' => [404],
    '/g3/x' => '/show/x?|/g3/x|',
    '/g3/a%20b%26+' => '/show/x?|/g3/a%20b%26+|',
    '/g3/x?a=b&u=%2Fz%20' => '/show/x?a=b&u=%2Fz%20|/g3/x?a=b&u=%2Fz%20|?',
    '/g3/?a=xb&b=1' => '/show/x?a=xb&b=1|/g3/?a=xb&b=1|?',
    '/g4/x' => '/show/x?|/g4/x|',
    '/g4/a%20b%26+' => '/show/a b&+?|/g4/a%20b%26+|',
    '/g4/x?a=b&u=%2Fz%20' => '/show/x?a=b&u=%2Fz%20|/g4/x?a=b&u=%2Fz%20|?',
    '/g4/?a=xb&b=1' => '/show/?a=xb&b=1|/g4/?a=xb&b=1|?',
    '/g5/x' => '/show/xx?|/g5/x|',
    '/g5/a%20b%26+' => [404],
    '/g5/x?a=b&u=%2Fz%20' => '/show/xx?a=b&u=%2Fz%20|/g5/x?a=b&u=%2Fz%20|?',
    '/g5/?a=xb&b=1' => [404],
    '/g6/x' => '/show/?|/g6/x|',
    '/g6/a%20b%26+' => '/show/?|/g6/a%20b%26+|',
    '/g6/x?a=b&u=%2Fz%20' => '/show/?a=b&u=%2Fz%20|/g6/x?a=b&u=%2Fz%20|?',
    '/g6/?a=xb&b=1' => '/show/?a=xb&b=1|/g6/?a=xb&b=1|?',
    '/g7/x' => '/show/g7?|/g7/x|',
    '/g7/a%20b%26+' => '/show/g7?|/g7/a%20b%26+|',
    '/g7/x?a=b&u=%2Fz%20' => '/show/g7?a=b&u=%2Fz%20|/g7/x?a=b&u=%2Fz%20|?',
    '/g7/?a=xb&b=1' => '/show/g7?a=xb&b=1|/g7/?a=xb&b=1|?',
    '/g8/x' => '/show/x?x|/g8/x|?',
    '/g8/a%20b%26+' => '/show/a%20b%26%2B?a%20b%26%2B|/g8/a%20b%26+|?',
    '/g8/x?a=b&u=%2Fz%20' => '/show/x?x&a=b&u=%2Fz%20|/g8/x?a=b&u=%2Fz%20|?',
    '/g8/?a=xb&b=1' => '/show/?&a=xb&b=1|/g8/?a=xb&b=1|?',
    '/g9/x' => 'no',
    '/g9/a%20b%26+' => 'no',
    '/g9/x?a=b&u=%2Fz%20' => 'no',
    '/g9/?a=xb&b=1' => 'no',
    '/h1/x' => '/show/x-x?|/h1/x|',
    '/h1/a%20b%26+' => '/show/a b&+-a b&+?|/h1/a%20b%26+|',
    '/h1/x?a=b&u=%2Fz%20' => '/show/x-x?a=b&u=%2Fz%20|/h1/x?a=b&u=%2Fz%20|?',
    '/h1/?a=xb&b=1' => '/show/-?a=xb&b=1|/h1/?a=xb&b=1|?',
    '/h2/x' => '/show/?|/h2/x|',
    '/h2/a%20b%26+' => '/show/?|/h2/a%20b%26+|',
    '/h2/x?a=b&u=%2Fz%20' => '/show/?a=b&u=%2Fz%20|/h2/x?a=b&u=%2Fz%20|?',
    '/h2/?a=xb&b=1' => '/show/?a=xb&b=1|/h2/?a=xb&b=1|?',
    '/h3/x' => '/show/x?|/h3/x|',
    '/h3/a%20b%26+' => '/show/a%20b%26%2B?|/h3/a%20b%26+|',
    '/h3/x?a=b&u=%2Fz%20' => '/show/x?&a=b&u=%2Fz%20|/h3/x?a=b&u=%2Fz%20|?',
    '/h3/?a=xb&b=1' => '/show/?&a=xb&b=1|/h3/?a=xb&b=1|?',
    '/h4/x' => [302, '/show/x'],
    '/h4/a%20b%26+' => [302, '/show/a b&+'],
    '/h4/x?a=b&u=%2Fz%20' => [302, '/show/x'],
    '/h4/?a=xb&b=1' => [302, '/show/'],
    '/h5/x' => 'x|/h5/x',
    '/h5/a%20b%26+' => 'a b&+|/h5/a b&+',
    '/h5/x?a=b&u=%2Fz%20' => 'x|/h5/x',
    '/h5/?a=xb&b=1' => '|/h5/',
    '/h6/x' => '[]',
    '/h6/a%20b%26+' => '[]',
    '/h6/x?a=b&u=%2Fz%20' => '[b]',
    '/h6/?a=xb&b=1' => '[x]',
    '/h7/x' => '[x]',
    '/h7/a%20b%26+' => '[a b&+]',
    '/h7/x?a=b&u=%2Fz%20' => '[x]',
    '/h7/?a=xb&b=1' => '[]',
    '/h8/x' => '[]',
    '/h8/a%20b%26+' => '[]',
    '/h8/x?a=b&u=%2Fz%20' => '[]',
    '/h8/?a=xb&b=1' => '[]',
    '/h9/x' => '[h][9]/x',
    '/h9/a%20b%26+' => '[h][9]/x',
    '/h9/x?a=b&u=%2Fz%20' => '[h][9]/x',
    '/h9/?a=xb&b=1' => '[h][9]/x',
    '/i1/x' => [404],
    '/i1/a%20b%26+' => [404],
    '/i1/x?a=b&u=%2Fz%20' => [404],
    '/i1/?a=xb&b=1' => [404],
    '/i2/x' => [404],
    '/i2/a%20b%26+' => [404],
    '/i2/x?a=b&u=%2Fz%20' => [404],
    '/i2/?a=xb&b=1' => [404],
    '/i3/x' => [404],
    '/i3/a%20b%26+' => [404],
    '/i3/x?a=b&u=%2Fz%20' => [404],
    '/i3/?a=xb&b=1' => [404],
    '/i4/x' => '/show?|/i4/x|',
    '/i4/a%20b%26+' => '/show?|/i4/a%20b%26+|',
    '/i4/x?a=b&u=%2Fz%20' => [404],
    '/i4/?a=xb&b=1' => [404],
    '/i5/x' => '/show?|/i5/x|',
    '/i5/a%20b%26+' => '/show?|/i5/a%20b%26+|',
    '/i5/x?a=b&u=%2Fz%20' => 'plain a',
    '/i5/?a=xb&b=1' => 'plain a',
    '/i6/x' => [500],
    '/i6/a%20b%26+' => [500],
    '/i6/x?a=b&u=%2Fz%20' => [500],
    '/i6/?a=xb&b=1' => [500],
    '/i8/x' => 'end /i8/x',
    '/i8/a%20b%26+' => 'end /i8/a b&+',
    '/i8/x?a=b&u=%2Fz%20' => 'end /i8/xx',
    '/i8/?a=xb&b=1' => 'end /i8/x',
    '/j1/x' => '/show/x?a|/j1/x|?',
    '/j1/a%20b%26+' => '/show/a b&+?a|/j1/a%20b%26+|?',
    '/j1/x?a=b&u=%2Fz%20' => '/show/x?a&a=b&u=%2Fz%20|/j1/x?a=b&u=%2Fz%20|?',
    '/j1/?a=xb&b=1' => '/show/?a&a=xb&b=1|/j1/?a=xb&b=1|?',
    '/j2/x' => [302, 'http://x/x'],
    '/j2/a%20b%26+' => [302, 'http://x/a%20b&+'],
    '/j2/x?a=b&u=%2Fz%20' => [302, 'http://x/x?a=b&u=%2Fz%20'],
    '/j2/?a=xb&b=1' => [302, 'http://x/?a=xb&b=1'],
    '/j3/x' => [404],
    '/j3/a%20b%26+' => [404],
    '/j3/x?a=b&u=%2Fz%20' => [404],
    '/j3/?a=xb&b=1' => 'index',
    '/j4/x' => [404],
    '/j4/a%20b%26+' => [404],
    '/j4/x?a=b&u=%2Fz%20' => '/show/4?a=b&u=%2Fz%20|/j4/x?a=b&u=%2Fz%20|?',
    '/j4/?a=xb&b=1' => '/show/4?a=xb&b=1|/j4/?a=xb&b=1|?',
    '/j5/x' => [404],
    '/j5/a%20b%26+' => [404],
    '/j5/x?a=b&u=%2Fz%20' => '/show/5?a=b&u=%2Fz%20|/j5/x?a=b&u=%2Fz%20|?',
    '/j5/?a=xb&b=1' => '/show/5?a=xb&b=1|/j5/?a=xb&b=1|?',
    '/j6/x' => '',
    '/j6/a%20b%26+' => '',
    '/j6/x?a=b&u=%2Fz%20' => '',
    '/j6/?a=xb&b=1' => 'b',
    '/k1/x' => '',
    '/k1/a%20b%26+' => '',
    '/k1/x?a=b&u=%2Fz%20' => '',
    '/k1/?a=xb&b=1' => '',
    '/k2/x' => '',
    '/k2/a%20b%26+' => '',
    '/k2/x?a=b&u=%2Fz%20' => '',
    '/k2/?a=xb&b=1' => '',
    '/k3/x' => [404],
    '/k3/a%20b%26+' => [404],
    '/k3/x?a=b&u=%2Fz%20' => [404],
    '/k3/?a=xb&b=1' => [404],
    '/k4/x' => 'e',
    '/k4/a%20b%26+' => 'e',
    '/k4/x?a=b&u=%2Fz%20' => 'e',
    '/k4/?a=xb&b=1' => 'e',
    '/k5/x' => '-',
    '/k5/a%20b%26+' => '-',
    '/k5/x?a=b&u=%2Fz%20' => '-',
    '/k5/?a=xb&b=1' => '-',
    '/k6/x' => '',
    '/k6/a%20b%26+' => '',
    '/k6/x?a=b&u=%2Fz%20' => '',
    '/k6/?a=xb&b=1' => '',
    '/k7/x' => '/show?|/k7/x|',
    '/k7/a%20b%26+' => '/show?|/k7/a%20b%26+|',
    '/k7/x?a=b&u=%2Fz%20' => '/show?a=b&u=%2Fz%20|/k7/x?a=b&u=%2Fz%20|?',
    '/k7/?a=xb&b=1' => '/show?a=xb&b=1|/k7/?a=xb&b=1|?',
    '/l2/x' => '0',
    '/l2/a%20b%26+' => '0',
    '/l2/x?a=b&u=%2Fz%20' => '0',
    '/l2/?a=xb&b=1' => '0',
    '/l3/x' => 'x|',
    '/l3/a%20b%26+' => 'x|',
    '/l3/x?a=b&u=%2Fz%20' => 'x|',
    '/l3/?a=xb&b=1' => 'x|',
    '/l4/x' => 'x|',
    '/l4/a%20b%26+' => 'x|',
    '/l4/x?a=b&u=%2Fz%20' => 'x|a=b&u=%2Fz%20',
    '/l4/?a=xb&b=1' => 'x|a=xb&b=1',
    '/l5/x' => '/l5/x /zz',
    '/l5/a%20b%26+' => '/l5/a b&+ /zz',
    '/l5/x?a=b&u=%2Fz%20' => '/l5/x /zz',
    '/l5/?a=xb&b=1' => '/l5/ /zz',
    '/l6/x' => 'qx',
    '/l6/a%20b%26+' => 'qx',
    '/l6/x?a=b&u=%2Fz%20' => 'qbx',
    '/l6/?a=xb&b=1' => 'qxbx',
    '/l7/x' => 'z|',
    '/l7/a%20b%26+' => 'z|',
    '/l7/x?a=b&u=%2Fz%20' => 'z|',
    '/l7/?a=xb&b=1' => 'z|',
    '/l8/x' => 'a b',
    '/l8/a%20b%26+' => 'a b',
    '/l8/x?a=b&u=%2Fz%20' => 'a b',
    '/l8/?a=xb&b=1' => 'a b',
    '/m1/x' => '<>',
    '/m1/a%20b%26+' => '<>',
    '/m1/x?a=b&u=%2Fz%20' => '<1>',
    '/m1/?a=xb&b=1' => 'both',
    '/m2/x' => 'ok',
    '/m2/a%20b%26+' => 'ok',
    '/m2/x?a=b&u=%2Fz%20' => 'ok',
    '/m2/?a=xb&b=1' => 'ok',
    '/m3/x' => 'id=',
    '/m3/a%20b%26+' => 'id=',
    '/m3/x?a=b&u=%2Fz%20' => 'id=',
    '/m3/?a=xb&b=1' => 'id=',
    '/m4/x' => 'std',
    '/m4/a%20b%26+' => 'std',
    '/m4/x?a=b&u=%2Fz%20' => 'std',
    '/m4/?a=xb&b=1' => 'std',
    '/m5/x' => 'm5',
    '/m5/a%20b%26+' => 'm5',
    '/m5/x?a=b&u=%2Fz%20' => 'm5',
    '/m5/?a=xb&b=1' => 'm5',
    '/n1/x' => 'int /n1x/x',
    '/n1/a%20b%26+' => 'int /n1x/a b&+',
    '/n1/x?a=b&u=%2Fz%20' => 'int /n1x/x',
    '/n1/?a=xb&b=1' => 'int /n1x/',
    '/n2/x' => [404],
    '/n2/a%20b%26+' => [404],
    '/n2/x?a=b&u=%2Fz%20' => [404],
    '/n2/?a=xb&b=1' => [404],
    '/n3/x' => 'rest',
    '/n3/a%20b%26+' => 'rest',
    '/n3/x?a=b&u=%2Fz%20' => 'rest',
    '/n3/?a=xb&b=1' => 'rest',
    '/n4/x' => 'not',
    '/n4/a%20b%26+' => 'not',
    '/n4/x?a=b&u=%2Fz%20' => 'not',
    '/n4/?a=xb&b=1' => 'not',
    '/n5/x' => [404],
    '/n5/a%20b%26+' => [404],
    '/n5/x?a=b&u=%2Fz%20' => [404],
    '/n5/?a=xb&b=1' => 'index',
    '/n6/x' => '/show?q=x|/n6/x|?',
    '/n6/a%20b%26+' => '/show?q=a%20b%26%2B|/n6/a%20b%26+|?',
    '/n6/x?a=b&u=%2Fz%20' => '/show?q=x&a=b&u=%2Fz%20|/n6/x?a=b&u=%2Fz%20|?',
    '/n6/?a=xb&b=1' => '/show?q=&a=xb&b=1|/n6/?a=xb&b=1|?',
    '/n7/x' => '/show/ep?|/n7/x|',
    '/n7/a%20b%26+' => '/show/ep?|/n7/a%20b%26+|',
    '/n7/x?a=b&u=%2Fz%20' => '/show/ep?|/n7/x?a=b&u=%2Fz%20|',
    '/n7/?a=xb&b=1' => '/show/ep?|/n7/?a=xb&b=1|',
    '/n8/x' => '/show/nm?|/n8/x|',
    '/n8/a%20b%26+' => '/show/nm?|/n8/a%20b%26+|',
    '/n8/x?a=b&u=%2Fz%20' => '/show/nm?a=b&u=%2Fz%20|/n8/x?a=b&u=%2Fz%20|?',
    '/n8/?a=xb&b=1' => '/show/nm?a=xb&b=1|/n8/?a=xb&b=1|?',
    '/n9/x' => [404],
    '/n9/a%20b%26+' => [404],
    '/n9/x?a=b&u=%2Fz%20' => [404],
    '/n9/?a=xb&b=1' => [404],
    '/o1/x' => '/show/tf?|/o1/x|',
    '/o1/a%20b%26+' => '/show/tf?|/o1/a%20b%26+|',
    '/o1/x?a=b&u=%2Fz%20' => '/show/tf?|/o1/x?a=b&u=%2Fz%20|',
    '/o1/?a=xb&b=1' => '/show/tf?|/o1/?a=xb&b=1|',
    '/oa/index.html' => 'dir index',
    '/oa/x/index.html' => [500],
    '/ob/x/index.html' => [500],
    '/oc/x/index.html' => 'dir index',
    '/o2/x' => 'dir index',
    '/o2/a%20b%26+' => [404],
    '/o2/x?a=b&u=%2Fz%20' => 'dir index',
    '/o2/?a=xb&b=1' => 'dir index',
    '/o3/x' => 'up GET /x',
    '/o3/a%20b%26+' => 'up GET /a%20b&+',
    '/o3/x?a=b&u=%2Fz%20' => 'up GET /x?a=b&u=%2Fz%20',
    '/o3/?a=xb&b=1' => 'up GET /?a=xb&b=1',
    '/o4/x' => 'up GET /x?n=1',
    '/o4/a%20b%26+' => 'up GET /a%20b&+?n=1',
    '/o4/x?a=b&u=%2Fz%20' => 'up GET /x?n=1&a=b&u=%2Fz%20',
    '/o4/?a=xb&b=1' => 'up GET /?n=1&a=xb&b=1',
    '/o5/x' => 'up GET /x',
    '/o5/a%20b%26+' => [400],
    '/o5/x?a=b&u=%2Fz%20' => 'up GET /x',
    '/o5/?a=xb&b=1' => 'up GET /',
    '/o8/x' => 'up GET /a%20b/x',
    '/o8/a%20b%26+' => 'up GET /a%20b/a%20b&+',
    '/o8/x?a=b&u=%2Fz%20' => 'up GET /a%20b/x?a=b&u=%2Fz%20',
    '/o8/?a=xb&b=1' => 'up GET /a%20b/?a=xb&b=1',
    '/n4/123/x' => 'not',
    '/n4/1234/x' => 'not',
    '/n3/a/b' => '/show?c=a&d=b|/n3/a/b|?',
    '/n3/q.php?z=1' => 'rest',
    '/g1/abcdxy' => '/show/[xy][][][]?|/g1/abcdxy|',
    '/g1/xyz' => '/show/[xy][][][]?|/g1/xyz|',
    'POST /m2/' => [405],
    '/g2/ab-cd?a=b' => '/show/cd-ab/abcd?a=b|/g2/ab-cd?a=b|?',
);
$t->outcomes(@table);

ok $t->wait_log(qr{\[error\] .* rewrite or internal redirection cycle while processing "/i6/loop", client:}),
    'a cycle';
$t->expect_log(qr/"alias" cannot be used in location .* where URI was rewritten/);
done_testing;
