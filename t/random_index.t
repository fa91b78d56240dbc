# SPDX-License-Identifier: BSD-2-Clause
#
# random_index.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_random_index');

my $t = Weir::Test->new;
$t->write("html/three/$_", $_) for qw(a b c .hidden);
$t->mkdir('html/three/folder');
symlink 'nowhere', $t->path('html/three/link');
$t->write('html/linked/.target', 'by a link');
symlink '.target', $t->path('html/linked/link');
$t->write('html/one/a name?.txt', 'odd');
$t->mkdir('html/empty/folder');
$t->write('html/index/index.html', 'the index');
$t->mkdir('html/closed');
chmod 0, $t->path('html/closed');
$t->write('html/off/index.html', 'the index');
$t->run(<<'EOC');
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        add_header X-Uri $uri;
        location / { random_index on; }
        location /empty/ { random_index on; autoindex on; }
        location /off/ { }
        location /alias/ { random_index on; alias %%TESTDIR%%/html/one/; }
        location /fixed/ { random_index on; alias %%TESTDIR%%/html/three/; }
        location = /fixed/a { return 200 other; }
        location = /fixed/b { return 200 other; }
        location = /fixed/c { return 200 other; }
    }
}
EOC

my (%seen, $r);
for (1 .. 60) {
    $r = $t->get('/three/');
    $seen{ $r->status . ' ' . $r->body }++;
}
is join('|', sort keys %seen), '200 a|200 b|200 c', 'each file, nothing else';
$r = $t->get('/one/?a=b');
is $r->body, 'odd', 'an odd name';
is $r->header('X-Uri'), '/one/a name?.txt', 'an odd name: $uri';
$t->answers(
    '/fixed/'  => 'other',
    '/alias/'  => 'odd',
    '/linked/' => 'by a link',
    '/index/'  => 'the index',
    '/off/'    => 'the index',
    '/empty/'  => qr{<a href="folder/">},
    '/empty/folder/' => qr{Index of},
    '/absent/' => [404],
    '/three/a/' => [404],
    '/three/a' => 'a',
);
is $t->head('/one/')->header('Content-Length'), 3, 'HEAD';
is $t->post('/one/', 'x')->status, 405, 'POST: the file refuses';
is $t->request('PUT', '/one/')->status, 405, 'PUT';
ok $t->wait_log(qr{\[error\] .* opendir\(\) ".*/html/absent" failed \(2: No such file or directory\), client: }),
    'the log';
is $t->get('/closed/')->status, 403, 'a closed folder';
ok $t->wait_log(qr{\[error\] .* opendir\(\) ".*/html/closed" failed \(13: Permission denied\), client: }),
    'the log: a closed folder';

sub first { return conf_test("events {}\nhttp {\n$_[0]\n}\n") }

is first('server { random_index on; }')->{first},
    '"random_index" directive is not allowed here in F:3', 'the place';

done_testing;
