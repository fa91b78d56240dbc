# SPDX-License-Identifier: BSD-2-Clause
#
# Rules of a server, of its locations, and their order.

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
        rewrite ^/s1/(.*)$ /show/$1;
        rewrite ^/s2/(.*)$ /s2x/$1; rewrite ^/s2x/(.*)$ /show/2/$1;
        rewrite ^/s3/(.*)$ /s3x/$1 last; rewrite ^/s3x/(.*)$ /show/3/$1;
        rewrite ^/s4/(.*)$ /a.txt break; rewrite ^/a.txt /show/no;
        rewrite ^/s5/(.*)$ /loc/$1;
        rewrite ^/s6/ http://$host/x permanent;
        if ($uri ~ ^/s7/(.*)$) { set $s7 $1; rewrite ^ /show/7/$1; }
        if ($arg_stop) { return 403; }
        if ($arg_r) { return 301 https://$host$request_uri; }
        if ($uri ~* "^/S8") { rewrite ^ /show/8? last; }
        if ($uri ~ ^/s9/) { break; }
        set $order "${order}s";
        location / { return 200 "root $uri?$args [$s7] $order"; }
        location /loc/ { rewrite ^/loc/(.*)$ /loc2/$1 last; set $order "${order}L"; }
        location /loc2/ { set $order "${order}M"; return 200 "loc2 $uri $order"; }
        location /loop { rewrite ^/loop(.*)$ /loop/x$1 last; }
        location /ord { set $order "${order}l"; if ($arg_a) { set $order "${order}i";
            } set $order "${order}m"; return 200 $order; }
        location = /a.txt { }
        location /ep { error_page 404 /s1/ep; root %%TESTDIR%%/nosuch; }
        location /ep2 { error_page 404 = @e; root %%TESTDIR%%/nosuch; }
        location @e { return 200 "e $uri $order"; }
        location /ep3 { error_page 403 /ord; deny all; }
        }
}
EOC

# Request => body, or [status, body or Location]; a built-in page is not shown.
my @table = (
    '/s1' => 'root /s1? [] s',
    '/s1/x' => '/show/x?|/s1/x|',
    '/s1/a%20b?q=1' => '/show/a b?q=1|/s1/a%20b?q=1|?',
    '/s1/?stop=1' => [403],
    '/s1/?r=1' => [301, 'https://localhost/s1/?r=1'],
    '/s1/?a=1' => '/show/?a=1|/s1/?a=1|?',
    '/s2' => 'root /s2? [] s',
    '/s2/x' => '/show/2/x?|/s2/x|',
    '/s2/a%20b?q=1' => '/show/2/a b?q=1|/s2/a%20b?q=1|?',
    '/s2/?stop=1' => [403],
    '/s2/?r=1' => [301, 'https://localhost/s2/?r=1'],
    '/s2/?a=1' => '/show/2/?a=1|/s2/?a=1|?',
    '/s3' => 'root /s3? [] s',
    '/s3/x' => 'root /s3x/x? [] ',
    '/s3/a%20b?q=1' => 'root /s3x/a b?q=1 [] ',
    '/s3/?stop=1' => 'root /s3x/?stop=1 [] ',
    '/s3/?r=1' => 'root /s3x/?r=1 [] ',
    '/s3/?a=1' => 'root /s3x/?a=1 [] ',
    '/s4' => 'root /s4? [] s',
    '/s4/x' => 'plain a',
    '/s4/a%20b?q=1' => 'plain a',
    '/s4/?stop=1' => 'plain a',
    '/s4/?r=1' => 'plain a',
    '/s4/?a=1' => 'plain a',
    '/s5' => 'root /s5? [] s',
    '/s5/x' => 'loc2 /loc2/x sM',
    '/s5/a%20b?q=1' => 'loc2 /loc2/a b sM',
    '/s5/?stop=1' => [403],
    '/s5/?r=1' => [301, 'https://localhost/s5/?r=1'],
    '/s5/?a=1' => 'loc2 /loc2/ sM',
    '/s6' => 'root /s6? [] s',
    '/s6/x' => [301, 'http://localhost/x'],
    '/s6/a%20b?q=1' => [301, 'http://localhost/x?q=1'],
    '/s6/?stop=1' => [301, 'http://localhost/x?stop=1'],
    '/s6/?r=1' => [301, 'http://localhost/x?r=1'],
    '/s6/?a=1' => [301, 'http://localhost/x?a=1'],
    '/s7' => 'root /s7? [] s',
    '/s7/x' => '/show/7/?|/s7/x|',
    '/s7/a%20b?q=1' => '/show/7/?q=1|/s7/a%20b?q=1|?',
    '/s7/?stop=1' => [403],
    '/s7/?r=1' => [301, 'https://localhost/s7/?r=1'],
    '/s7/?a=1' => '/show/7/?a=1|/s7/?a=1|?',
    '/S8' => '/show/8?|/S8|',
    '/S8/x' => '/show/8?|/S8/x|',
    '/S8/a%20b?q=1' => '/show/8?|/S8/a%20b?q=1|',
    '/S8/?stop=1' => [403],
    '/S8/?r=1' => [301, 'https://localhost/S8/?r=1'],
    '/S8/?a=1' => '/show/8?|/S8/?a=1|',
    '/s8' => '/show/8?|/s8|',
    '/s8/x' => '/show/8?|/s8/x|',
    '/s8/a%20b?q=1' => '/show/8?|/s8/a%20b?q=1|',
    '/s8/?stop=1' => [403],
    '/s8/?r=1' => [301, 'https://localhost/s8/?r=1'],
    '/s8/?a=1' => '/show/8?|/s8/?a=1|',
    '/s9' => 'root /s9? [] s',
    '/s9/x' => 'root /s9/x? [] ',
    '/s9/a%20b?q=1' => 'root /s9/a b?q=1 [] ',
    '/s9/?stop=1' => [403],
    '/s9/?r=1' => [301, 'https://localhost/s9/?r=1'],
    '/s9/?a=1' => 'root /s9/?a=1 [] ',
    '/loc' => 'root /loc? [] s',
    '/loc/x' => 'loc2 /loc2/x sM',
    '/loc/a%20b?q=1' => 'loc2 /loc2/a b sM',
    '/loc/?stop=1' => [403],
    '/loc/?r=1' => [301, 'https://localhost/loc/?r=1'],
    '/loc/?a=1' => 'loc2 /loc2/ sM',
    '/ord' => 'slm',
    '/ord/x' => 'slm',
    '/ord/a%20b?q=1' => 'slm',
    '/ord/?stop=1' => [403],
    '/ord/?r=1' => [301, 'https://localhost/ord/?r=1'],
    '/ord/?a=1' => 'slim',
    '/ep' => [404, '/show/ep?|/ep|'],
    '/ep/x' => [404, '/show/ep?|/ep/x|'],
    '/ep/a%20b?q=1' => [404, '/show/ep?|/ep/a%20b?q=1|'],
    '/ep/?stop=1' => [403],
    '/ep/?r=1' => [301, 'https://localhost/ep/?r=1'],
    '/ep/?a=1' => [404, '/show/ep?|/ep/?a=1|'],
    '/ep2' => 'e /ep2 s',
    '/ep2/x' => 'e /ep2/x s',
    '/ep2/a%20b?q=1' => 'e /ep2/a b s',
    '/ep2/?stop=1' => [403],
    '/ep2/?r=1' => [301, 'https://localhost/ep2/?r=1'],
    '/ep2/?a=1' => 'e /ep2/ s',
    '/ep3' => [403, 'sslm'],
    '/ep3/x' => [403, 'sslm'],
    '/ep3/a%20b?q=1' => [403, 'sslm'],
    '/ep3/?stop=1' => [403],
    '/ep3/?r=1' => [301, 'https://localhost/ep3/?r=1'],
    '/ep3/?a=1' => [403, 'sslm'],
    '/a.txt' => '/show/no?|/a.txt|',
    '/a.txt/x' => '/show/no?|/a.txt/x|',
    '/a.txt/a%20b?q=1' => '/show/no?q=1|/a.txt/a%20b?q=1|?',
    '/a.txt/?stop=1' => [403],
    '/a.txt/?r=1' => [301, 'https://localhost/a.txt/?r=1'],
    '/a.txt/?a=1' => '/show/no?a=1|/a.txt/?a=1|?',
);
$t->outcomes(@table);

is $t->get('/loop/a')->status, 500, 'a loop ends';
done_testing;
