# SPDX-License-Identifier: BSD-2-Clause
#
# secure_link in both forms, $secure_link, $secure_link_expires.

use strict;
use warnings;

use Digest::MD5 qw(md5_base64 md5_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_secure_link', 'http_rewrite');

my $t = Weir::Test->new;
$t->run(<<'EOC');
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "[$secure_link]"; }
        location /new { secure_link $arg_h; secure_link_md5 "$uri secret";
            return 200 "[$secure_link][$secure_link_expires]"; }
        location /time { secure_link $arg_h,$arg_e; secure_link_md5 "$secure_link_expires$uri secret";
            return 200 "[$secure_link][$secure_link_expires]"; }
        location /half { secure_link $arg_h; return 200 "[$secure_link]"; }
        location /expires { return 200 "[$secure_link_expires]"; }
        location /if { secure_link $arg_h; secure_link_md5 $uri;
            if ($secure_link = "") { return 403; } return 200 in; }
        location /p/ { secure_link_secret word; return 200 "[$secure_link]";
            location /p/inner { return 200 "[inner $secure_link]"; }
            location /p/new { secure_link $arg_h; secure_link_md5 $uri; return 200 "[$secure_link]"; } }
        location /rewrite/ { secure_link_secret word; rewrite ^ /to/$secure_link; }
        location /to/ { return 200 $uri; }
    }
    server {
        listen 127.0.0.1:%%PORT_outer%%;
        secure_link $arg_h;
        location /new { secure_link_md5 "$uri secret"; return 200 "[$secure_link]"; }
        location /old { secure_link_secret word; return 200 "[$secure_link]"; }
    }
}
EOC

sub hash { my ($text) = @_; (my $h = md5_base64($text)) =~ tr{+/}{-_}; return $h }

my $h = hash('/new secret');
my $later = time + 1000;
my $past = time - 1000;
$t->answers(
    "/new?h=$h"          => '[1][]',
    "/new?h=$h=="        => '[1][]',
    "/new?h=${h}x"       => '[][]',
    "/new?h=$h====="     => '[][]',
    "/new?h="            => '[][]',
    "/new"               => '[][]',
    "/new?h=" . hash('/new wrong') => '[][]',
    "/new?h=" . substr($h, 0, 20)  => '[][]',
    "/new?h=" . '*' x 22 => '[][]',
    "/new?h=$h,$later"   => "[1][$later]",
    "/new?h=$h,$past"    => "[0][$past]",
    "/new?h=$h,0"        => '[][]',
    "/new?h=$h,"         => '[][]',
    "/new?h=$h,x"        => '[][]',
    "/new?h=$h,-1"       => '[][]',
    "/new?h=$h,${later}s" => '[][]',
    "/new?h=$h,99999999999999999999" => '[][]',
    "/time?h=" . hash("$later/time secret") . "&e=$later" => "[1][$later]",
    "/time?h=" . hash("$past/time secret") . "&e=$past"   => "[0][$past]",
    "/time?h=" . hash("1/time secret") . "&e=$later"      => "[][$later]",
    "/time?h=" . hash("/time secret") => '[][]',
    "/half?h=$h"         => '[]',
    '/x'                 => '[]',
    '/expires'           => '[]',
    '/if?h=' . hash('/if') => 'in',
    '/if?h=x'            => [403],
);

my $p = md5_hex('some/file word' =~ s/ //r);
$t->answers(
    "/p/$p/some/file"     => '[some/file]',
    '/p/' . uc($p) . '/some/file' => '[some/file]',
    "/p/$p/some/other"    => '[]',
    "/p/$p/some%2ffile"   => '[]',
    "/p/$p/some/file?a=b" => '[]',
    '/p/' . md5_hex('f?a=bword') . '/f?a=b' => '[f?a=b]',
    "/p/$p/"              => '[]',
    "/p/$p"               => '[]',
    '/p/'                 => '[]',
    '/p/' . substr($p, 1) . '/some/file' => '[]',
    '/p/' . ('x' x 32) . '/some/file'    => '[]',
    '/p/inner'            => '[inner ]',
    '/p/new?h=' . hash('/p/new') => '[1]',
    "/rewrite/$p/some/file" => '/to/some/file',
    '/rewrite/x'          => '/to/',
);

is $t->get("/new?h=$h", port => 'outer')->body, '[1]', 'one of two inherited';
is $t->get('/old/' . md5_hex('xword') . '/x', port => 'outer')->body, '[x]',
    'the older form inside of the newer one';

# ---- messages ----

sub first { return conf_test("events {}\nhttp {\n$_[0]\n}\n") }

like first('server { secure_link a; secure_link_secret b; }')->{first},
    qr/^"secure_link_secret" cannot be mixed with "secure_link" and "secure_link_md5" in F:/,
    'mixed';
like first('server { secure_link_secret b; secure_link_md5 a; }')->{first},
    qr/^"secure_link_secret" cannot be mixed with "secure_link" and "secure_link_md5" in F:/,
    'mixed, the other way';
is first('secure_link_secret a; secure_link_secret a;')->{first},
    '"secure_link_secret" directive is duplicate in F:3', 'twice';

done_testing;
