# SPDX-License-Identifier: BSD-2-Clause
"""A Django site in one file, with the admin of django.contrib, uploads, files
that the server in front hands out, and a stream.  $APP_ROOT is its folder; run as
a program, it makes the database and a user."""
import hashlib
import os
import time

import django
from django.conf import settings

ROOT = os.environ['APP_ROOT']
APPS = ['admin', 'auth', 'contenttypes', 'sessions', 'messages', 'staticfiles']
CONTEXT = 'django.contrib.auth.context_processors.auth', 'django.template.context_processors.request', \
    'django.contrib.messages.context_processors.messages'

settings.configure(
    DEBUG=False, SECRET_KEY='k' * 50, ROOT_URLCONF=__name__, ALLOWED_HOSTS=['shop.test'],
    INSTALLED_APPS=['django.contrib.' + name for name in APPS],
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ROOT + '/db'}},
    DEFAULT_AUTO_FIELD='django.db.models.AutoField',
    PASSWORD_HASHERS=['django.contrib.auth.hashers.MD5PasswordHasher'],
    MIDDLEWARE=['django.middleware.security.SecurityMiddleware',
                'django.middleware.http.ConditionalGetMiddleware',
                'django.contrib.sessions.middleware.SessionMiddleware',
                'django.middleware.common.CommonMiddleware',
                'django.middleware.csrf.CsrfViewMiddleware',
                'django.contrib.auth.middleware.AuthenticationMiddleware',
                'django.contrib.messages.middleware.MessageMiddleware',
                'django.middleware.clickjacking.XFrameOptionsMiddleware'],
    TEMPLATES=[{'BACKEND': 'django.template.backends.django.DjangoTemplates', 'APP_DIRS': True,
                'OPTIONS': {'context_processors': CONTEXT}}],
    STATIC_URL='/static/', STATIC_ROOT=ROOT + '/static', MEDIA_ROOT=ROOT + '/media',
    FILE_UPLOAD_PERMISSIONS=0o644, USE_TZ=True,
    SECURE_PROXY_SSL_HEADER=('HTTP_X_FORWARDED_PROTO', 'https'),
    DATA_UPLOAD_MAX_MEMORY_SIZE=20 << 20,
)
django.setup()

from django.contrib import admin                            # noqa: E402
from django.core.files.storage import default_storage      # noqa: E402
from django.core.wsgi import get_wsgi_application           # noqa: E402
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse    # noqa: E402
from django.shortcuts import redirect, render               # noqa: E402
from django.template import engines                         # noqa: E402
from django.urls import path                                # noqa: E402
from django.views.decorators.csrf import csrf_exempt        # noqa: E402

FORM = engines['django'].from_string(
    '<form method=post enctype=multipart/form-data>{% csrf_token %}<input type=file name=file></form>')


def upload(request):
    if request.method == 'POST':
        file = request.FILES['file']
        return redirect('/media/' + default_storage.save(file.name, file))
    return HttpResponse(FORM.render({}, request))


def report(request, name):
    response = HttpResponse(content_type='text/csv')
    response['X-Accel-Redirect'] = '/protected/' + name
    response['Content-Disposition'] = 'attachment; filename="%s"' % name
    response.set_cookie('seen', name)
    return response


@csrf_exempt
def facts(request, more):
    names = [n for n in request.META if n.startswith(('HTTP_', 'CONTENT_')) or n in (
        'PATH_INFO', 'SCRIPT_NAME', 'QUERY_STRING', 'REQUEST_METHOD')]
    return JsonResponse({
        'url': request.build_absolute_uri(), 'secure': request.is_secure(),
        'body': '%d %s' % (len(request.body), hashlib.md5(request.body).hexdigest()),
        'meta': {n: request.META[n] for n in names}})


def stream(request):
    def lines():
        yield 'first\n'
        while not os.path.exists(ROOT + '/go'):
            time.sleep(0.01)
        yield 'last\n'
    response = StreamingHttpResponse(lines(), content_type='text/plain')
    response['X-Accel-Buffering'] = 'no'
    return response


def page(request, number):
    return HttpResponse('page %d\n' % number * 500)


def broken(request):
    raise ValueError('broken')


urlpatterns = [
    path('admin/', admin.site.urls), path('upload/', upload), path('report/<name>/', report),
    path('facts/<path:more>', facts), path('stream/', stream), path('page/<int:number>/', page),
    path('broken/', broken),
]
application = get_wsgi_application()

if __name__ == '__main__':
    from django.contrib.auth.models import User
    from django.core.management import call_command
    call_command('migrate', verbosity=0)
    call_command('collectstatic', verbosity=0, interactive=False)
    User.objects.create_superuser('anna', 'anna@shop.test', 'secret')
